// What a terminal shows, as an SVG. Knows the colours that the command line uses, nothing else of what terminals can do.

const CHAR = 8.4
const LINE = 19
const MARGIN = 18
const BAR = 36

/** By the code that begins them. */
const STYLES = new Map([
  ['1', 'font-weight="bold"'],
  ['2', 'fill="#7d8590"'],
  ['31', 'fill="#ff7b72"'],
  ['32', 'fill="#56d364"'],
  ['33', 'fill="#e3b341"'],
  ['34', 'fill="#79c0ff"'],
  ['35', 'fill="#d2a8ff"'],
  ['36', 'fill="#56d4dd"'],
])

/**
 * @param {string} command what was typed
 * @param {string} text what came of it, with the codes of its colours
 * @param {number} columns
 */
export function terminalSvg(command, text, columns) {
  const lines = text.trimEnd().split('\n')
  const width = Math.ceil(columns * CHAR + 2 * MARGIN)
  const height = BAR + (lines.length + 1) * LINE + MARGIN
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (color, i) => `<circle cx="${20 + i * 18}" cy="17" r="6" fill="${color}"/>`,
  )
  const rows = [`<tspan fill="#7d8590">$ </tspan>${escaped(command)}`, ...lines.map(spans)]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>${escaped(command)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    ...dots,
    '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">',
    ...rows.map((row, i) => `<text x="${MARGIN}" y="${BAR + (i + 1) * LINE - 5}">${row}</text>`),
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

/**
 * Each piece has its column, so that a font whose boxes or arrows are wider does not shift what comes after them.
 *
 * @param {string} line
 */
function spans(line) {
  let column = 0
  let style = ''
  let svg = ''
  // eslint-disable-next-line no-control-regex -- what a terminal obeys
  for (const part of line.split(/(\u001b\[\d+m)/)) {
    // eslint-disable-next-line no-control-regex -- what a terminal obeys
    const code = /^\u001b\[(\d+)m$/.exec(part)?.[1]
    if (code !== undefined) style = STYLES.get(code) ?? ''
    else if (part !== '') {
      svg += `<tspan x="${(MARGIN + column * CHAR).toFixed(1)}"${style === '' ? '' : ` ${style}`}>${escaped(part)}</tspan>`
      column += [...part].length
    }
  }
  return svg
}

/**
 * Blanks that stay: neither `xml:space` nor `white-space` keeps the others in every browser.
 *
 * @param {string} text
 */
function escaped(text) {
  return text.replaceAll(' ', '\u00a0').replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)
}
