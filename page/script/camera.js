// The camera.

let stream = null;
$('camera-open').onclick = async () => {
  if (!navigator.mediaDevices?.getUserMedia) {
    // A phone takes a picture all the same.
    if (matchMedia('(pointer: coarse)').matches) $('snap').click();
    else notice(t[isSecureContext ? 'camera-none' : 'camera-https']);
    return;
  }
  $('camera').showModal();
  $$('#camera p').textContent = t['camera-ask'];
  $('shoot').disabled = true;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: 'environment', width: { ideal: 3840 }, height: { ideal: 2160 } },
    });
  } catch {
    $$('#camera p').textContent = t['camera-none'];
    return;
  }
  if (!$('camera').open) {
    stopCamera();
    return;
  }
  $$('#camera video').srcObject = stream;
  $$('#camera p').textContent = '';
};
$$('#camera video').onloadeddata = () => {
  $('shoot').disabled = false;
  $('shoot').focus();
};
$('shoot').onclick = async () => {
  const video = $$('#camera video');
  const canvas = make('canvas', { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext('2d').drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.95));
  const name = `camera ${new Date().toISOString().slice(0, 23).replace('T', ' ').replaceAll(':', '-')}.jpg`;
  await add([new File([blob], name, { type: 'image/jpeg' })]);
  $$('#camera p').textContent = put(t.taken, name);
};
function stopCamera() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  $$('#camera video').srcObject = null;
}
$('camera').addEventListener('close', stopCamera);
