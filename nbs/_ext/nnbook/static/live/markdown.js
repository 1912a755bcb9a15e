// As much of Markdown as computed results use: paragraphs, tables, fenced code; text in, HTML out.
// @ts-check
import { escapeHtml, highlight } from "./highlight.js";

// of TeX, what makes links or reaches into the page
const REACHING = /\\(href|url|class|cssId|style|data|require|mmlToken)(?![A-Za-z])/;

/**
 * A formula for MathJax; one that would make a link is shown as it is written.
 * @param {string} whole
 * @param {string} tex
 */
function formula(whole, tex) {
  return REACHING.test(tex) ? `<code>${whole}</code>` : `<span class="math">\\(${tex}\\)</span>`;
}

/**
 * What stands inside a line: code, formulas, strong and emphasized text.
 * @param {string} text
 */
export function inline(text) {
  return escapeHtml(text)
    .replace(/&#38;(#?\w+;)/g, "&$1") // an entity is written as one
    .replace(/`([^`]+)`/g, "<code>$1</code>")
    .replace(/\$([^$]+)\$/g, formula)
    .replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>")
    .replace(/(?<![\w*])[*_]([^*_\s][^*_]*)[*_](?![\w*])/g, "<em>$1</em>");
}

/**
 * The cells of a row of a table.
 * @param {string} row
 */
function split(row) {
  const cells = row.replace(/^\||\|$/g, "").split(/(?<!\\)\|/);
  return cells.map((cell) => inline(cell.trim().replaceAll("\\|", "|")));
}

/**
 * The side of a column, from what stands below its head.
 * @param {string} mark
 */
function side(mark) {
  if (!mark.endsWith(":")) return "left";
  return mark.startsWith(":") ? "center" : "right";
}

/**
 * A table, in the theme's markup.
 * @param {string[]} rows The lines of Markdown, the second of which tells the sides.
 */
function table(rows) {
  const sides = split(rows[1]).map(side);
  const line = (/** @type {string} */ row, /** @type {string} */ tag) => {
    const cells = split(row).map(
      (cell, i) => `<${tag} class="text-${sides[i]}"><p>${cell}</p></${tag}>`,
    );
    return `<tr>${cells.join("")}</tr>`;
  };
  const head = `<thead>${line(rows[0], "th")}</thead>`;
  const body = `<tbody>${rows
    .slice(2)
    .map((row) => line(row, "td"))
    .join("")}</tbody>`;
  const whole = `<table class="table">${head}${body}</table>`;
  return `<div class="pst-scrollable-table-container">${whole}</div>`;
}

/**
 * Paragraphs and tables.
 * @param {string} text
 */
export function blocks(text) {
  const found = text
    .split(/\n\s*\n/)
    .map((block) => block.trim())
    .filter(Boolean);
  return found
    .map((block) => {
      const rows = block.split("\n").map((row) => row.trim());
      const tabular = rows.length > 1 && /^\|?[\s:|-]+\|[\s:|-]*$/.test(rows[1]);
      return tabular ? table(rows) : `<p>${inline(block)}</p>`;
    })
    .join("");
}

/**
 * All of it, fenced code too.
 * @param {string} text
 */
export function markdown(text) {
  const parts = text.split(/^```\w*\n([\s\S]*?)^```$/m); // every second is code
  return parts
    .map((part, i) => {
      if (i % 2 === 0) return blocks(part);
      return `<div class="highlight"><pre>${highlight(part.trimEnd())}</pre></div>`;
    })
    .join("");
}
