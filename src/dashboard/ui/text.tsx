/** Text that nobody vouches for: shown as what it is, and never able to disturb what stands beside it. */
import type { ComponentChildren } from 'preact'

/**
 * What would not be seen, or would turn around what follows: control characters, zero widths, direction marks, halves of
 * characters. Joiners within emoji are left alone.
 */
const UNSEEN =
  // eslint-disable-next-line no-control-regex, no-misleading-character-class
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|(?<!\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}?)\u200d|\p{Surrogate}/gu

/** `\u200b` for what would not be seen. */
export function visible(text: string): string {
  return text.replace(UNSEEN, escaped)
}

function escaped(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
}

/** A name or an id. Cut by the layout where it is too long; the whole of it is told on hover, up to a bound. */
export function Name({ text, strong = false }: { readonly text: string; readonly strong?: boolean }) {
  const shown = visible(text)
  return (
    <bdi class={strong ? 'name strong' : 'name'} title={shown.slice(0, 600)}>
      {shown}
    </bdi>
  )
}

/** A sentence of the service or of a builder. */
export function Words({ text }: { readonly text: string }) {
  return <bdi class="words">{visible(text)}</bdi>
}

/** Read by screen readers only. */
export function Hidden({ children }: { readonly children: ComponentChildren }) {
  return <span class="hidden-text">{children}</span>
}

const NUMBER = new Intl.NumberFormat('en')

export function count(value: number): string {
  return NUMBER.format(value)
}

/** `1 run`, `3 runs`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

export function bytesText(size: number): string {
  if (size < 1000) return plural(size, 'character')
  return size < 1_000_000 ? `${(size / 1000).toFixed(1)} k characters` : `${(size / 1_000_000).toFixed(1)} M characters`
}
