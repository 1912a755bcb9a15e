// On the page of search: excerpts without the signs of TeX, which they would cut anywhere.
// @ts-check
{
  // @ts-expect-error: it is declared in Sphinx's searchtools.js
  const search = Search;
  const plain = search.htmlToText;
  const formula = /<(span|div)\b[^>]*\bclass="math[^>]*>[^<]*<\/\1>/g;
  search.htmlToText = (/** @type {string} */ html, /** @type {unknown[]} */ ...rest) =>
    plain(html.replace(formula, " \u2026 "), ...rest);
}
