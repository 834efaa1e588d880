// Elements, icons and numbers. Text from outside (names, answers, errors) is set as text alone; the policy has the browser hold to it.

const $ = (id) => document.getElementById(id);
const $$ = (selector, root = document) => root.querySelector(selector);

/** An element with properties, and children that are nodes or text. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null));
  return element;
}
/** The same of SVG, with attributes. */
function shape(tag, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const icon = (kind) => shape('svg', { class: 'icon', 'aria-hidden': 'true' }, shape('use', { href: `#s-${kind}` }));
const tenths = new Intl.NumberFormat(LANGUAGE, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const numbers = new Intl.NumberFormat(LANGUAGE);
const percent = (share) => `${tenths.format(100 * share)} %`;
const megabytes = (bytes) => `${tenths.format(bytes / 1e6)} MB`;
const plural = (count, word) => `${numbers.format(count)} ${t[count === 1 ? word : `${word}s`]}`;
const kindWord = (kind) => t[kind].toLowerCase();
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
