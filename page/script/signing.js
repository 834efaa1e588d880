// Signing in.

$('sign').onclick = () => $('signing').showModal();
function setToken(value) {
  token = value;
  if (token) sessionStorage.setItem('steel-defect-token', token);
  else sessionStorage.removeItem('steel-defect-token');
}
$('signed').onclick = async () => {
  const value = $('token')
    .value.trim()
    .replace(/^bearer\s+/i, '');
  if (!/^[\x21-\x7e]+$/.test(value)) {
    $('wrong').textContent = t['token-odd'];
    return;
  }
  setToken(value);
  if (await greet()) {
    $('token').value = '';
    $('signing').close();
  }
};
$('token').onkeydown = (event) => {
  if (event.key === 'Enter') $('signed').click();
};
$('forget').onclick = () => {
  setToken('');
  $('token').value = '';
  $('signing').close();
  greet();
};
