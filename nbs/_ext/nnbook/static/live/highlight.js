// Python in colours: text in, HTML with the classes of Pygments out.
// @ts-check

const WORDS = [
  "False None True and as assert async await break class continue def del elif else except",
  "finally for from global if import in is lambda nonlocal not or pass raise return try while",
  "with yield",
]
  .join(" ")
  .split(" ");

const STRINGS = [
  /"""[\s\S]*?(?:"""|$)/,
  /'''[\s\S]*?(?:'''|$)/,
  /"(?:\\.|[^"\\\n])*"?/,
  /'(?:\\.|[^'\\\n])*'?/,
];

const TOKENS = new RegExp(
  [
    /(?<c1>#.*)/,
    new RegExp(`(?<s2>[rbfRBF]{0,2}(?:${STRINGS.map((part) => part.source).join("|")}))`),
    new RegExp(`(?<k>\\b(?:${WORDS.join("|")})\\b)`),
    /(?<mi>\b\d[\w.]*)/,
    /(?<n>[A-Za-z_]\w*)/,
  ]
    .map((part) => part.source)
    .join("|"),
  "g",
);

/**
 * Write text as HTML.
 * @param {string} text
 */
export const escapeHtml = (text) => text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);

/**
 * Colour a text of Python; it ends with a line break, as a text area shows one.
 * @param {string} code
 */
export function highlight(code) {
  let html = "";
  let end = 0;
  for (const match of code.matchAll(TOKENS)) {
    const [kind] = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined) ?? [
      "",
    ];
    html += escapeHtml(code.slice(end, match.index));
    html += `<span class="${kind}">${escapeHtml(match[0])}</span>`;
    end = match.index + match[0].length;
  }
  return `${html}${escapeHtml(code.slice(end))}\n`;
}
