/** Where a text that is not JSON goes wrong: the engine's own errors tell it for some mistakes only. Pure. */

export interface JsonFault {
  readonly line: number
  readonly column: number
  /** In words: `where "Z" stands`, `where it ends`. */
  readonly found: string
}

export function jsonFault(text: string): JsonFault {
  const at = Math.min(faultAt(text), text.length)
  const before = text.slice(0, at).split('\n')
  const char = String.fromCodePoint(text.codePointAt(at) ?? 0)
  return {
    line: before.length,
    column: (before.at(-1) ?? '').length + 1,
    found: at >= text.length ? 'where it ends' : `where ${JSON.stringify(char)} stands`,
  }
}

const BLANK = /[ \t\n\r]*/y
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// eslint-disable-next-line no-control-regex -- JSON takes none within texts
const TEXT = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*/y

/** Goes on as long as what comes could be JSON. Keeps what is open on a stack of its own: nesting may be deep. */
function faultAt(text: string): number {
  const open: ('{' | '[')[] = []
  let at = skip(BLANK, text, 0)
  let wants: 'value' | 'valueOrEnd' | 'key' | 'keyOrEnd' | 'more' = 'value'
  for (;;) {
    const char = text[at]
    if ((wants === 'valueOrEnd' && char === ']') || (wants === 'keyOrEnd' && char === '}')) {
      open.pop()
      at++
      wants = 'more'
    } else if (wants === 'key' || wants === 'keyOrEnd') {
      const end = skip(TEXT, text, at)
      if (end === at || text[end] !== '"') return end
      at = skip(BLANK, text, end + 1)
      if (text[at] !== ':') return at
      at++
      wants = 'value'
    } else if (wants === 'more') {
      const within = open.at(-1)
      if (within === undefined) return at
      if (char === ',') wants = within === '{' ? 'key' : 'value'
      else if (char === (within === '{' ? '}' : ']')) open.pop()
      else return at
      at++
    } else if (char === '{' || char === '[') {
      open.push(char)
      at++
      wants = char === '{' ? 'keyOrEnd' : 'valueOrEnd'
    } else {
      const end = skip(char === '"' ? TEXT : SCALAR, text, at)
      if (end === at || (char === '"' && text[end] !== '"')) return end
      at = char === '"' ? end + 1 : end
      wants = 'more'
    }
    at = skip(BLANK, text, at)
  }
}

function skip(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from
  return from + (pattern.exec(text)?.[0].length ?? 0)
}
