// Pictures by drop, paste and choice.

/** The files of a drop, also those inside folders. */
async function dropped(transfer) {
  const entries = [...transfer.items]
    .filter((item) => item.kind === 'file')
    .map((item) => item.webkitGetAsEntry?.() || item.getAsFile());
  const files = [];
  const walk = async (entry) => {
    if (entry instanceof File) files.push(entry);
    else if (entry.isFile) {
      const file = await new Promise((resolve, reject) => {
        entry.file(resolve, reject);
      });
      if (entry.fullPath !== `/${file.name}`) file.path = entry.fullPath.slice(1);
      if (!file.name.startsWith('.')) files.push(file);
    } else {
      const reader = entry.createReader();
      for (;;) {
        const some = await new Promise((resolve, reject) => {
          reader.readEntries(resolve, reject);
        });
        if (!some.length) break;
        for (const inner of some) await walk(inner);
      }
    }
  };
  for (const entry of entries) if (entry) await walk(entry).catch(() => say(t['bad-folder']));
  return files;
}
/** Of a folder only what is called a picture; how much else is in it is said. What was chosen by itself is tried. */
function picturesOf(files) {
  const wanted = [...files].filter(
    (file) => !(file.path || file.webkitRelativePath) || /^[^.].*\.(jpe?g|png|webp|bmp|tiff?)$/i.test(file.name),
  );
  const others = files.length - wanted.length;
  if (others) notice(put(t['no-pictures'], plural(others, 'file')));
  return wanted;
}
for (const name of ['dragover', 'dragenter']) {
  addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.add('over');
  });
}
addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) document.body.classList.remove('over');
});
addEventListener('drop', async (event) => {
  event.preventDefault();
  document.body.classList.remove('over');
  add(picturesOf(await dropped(event.dataTransfer)));
});
addEventListener('paste', (event) => {
  if (event.clipboardData.files.length) {
    event.preventDefault();
    add(event.clipboardData.files);
  }
});
$('pick').onclick = () => $('files').click();
$('pick-folder').onclick = () => $('folder').click();
for (const name of ['files', 'folder', 'snap'])
  $(name).onchange = () => {
    add(picturesOf($(name).files)).then(() => {
      $(name).value = '';
    });
  };
