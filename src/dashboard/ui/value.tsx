/** A value as a tree that can be opened. It may be anything: very long, very wide, very deep, hostile. */
import { useState } from 'preact/hooks'
import { bytesText, count, visible } from './text.tsx'

const LONG_TEXT = 240
const MORE_TEXT = 20_000
const FEW_MEMBERS = 24
const MORE_MEMBERS = 250
/** Deeper than that, things are closed until asked for. */
const OPEN_DEPTH = 3

type Container = readonly unknown[] | Readonly<Record<string, unknown>>

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null
}

/** Values that do not leave the server. */
export function isWithheld(value: unknown): boolean {
  return isContainer(value) && !Array.isArray(value) && (value as Record<string, unknown>)['$sensitive'] === true
}

export function Value({ value }: { readonly value: unknown }) {
  return (
    <div class="value">
      <Member value={value} depth={0} />
    </div>
  )
}

function Member({ value, depth }: { readonly value: unknown; readonly depth: number }) {
  if (isWithheld(value)) return <span class="v-withheld">withheld: sensitive</span>
  if (!isContainer(value)) return <Leaf value={value} />
  const entries = Object.entries(value)
  const list = Array.isArray(value)
  if (entries.length === 0) return <span class="v-mark">{list ? '[ ]' : '{ }'}</span>
  return <Members entries={entries} list={list} depth={depth} />
}

interface MembersProps {
  readonly entries: readonly (readonly [string, unknown])[]
  readonly list: boolean
  readonly depth: number
}

function Members({ entries, list, depth }: MembersProps) {
  const [open, setOpen] = useState(depth < OPEN_DEPTH)
  const [most, setMost] = useState(FEW_MEMBERS)
  const summary = list ? `list of ${count(entries.length)}` : `${count(entries.length)} members`
  const toggle = depth > 0 && (
    <button type="button" class="v-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
      {open ? '▾' : '▸'} {summary}
    </button>
  )
  const rest = entries.length - most
  return (
    <>
      {toggle}
      {open && (
        <dl class={list ? 'v-members v-list' : 'v-members'}>
          {entries.slice(0, most).map(([key, member]) => (
            <div class={isOpenBelow(member) ? 'v-row v-deep' : 'v-row'} key={key}>
              <dt>
                <bdi>{visible(key.length > 200 ? `${key.slice(0, 200)}…` : key)}</bdi>
              </dt>
              <dd>
                <Member value={member} depth={depth + 1} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {open && rest > 0 && (
        <button type="button" class="v-more" onClick={() => setMost(most + MORE_MEMBERS)}>
          Show {count(Math.min(rest, MORE_MEMBERS))} more of {count(rest)}
        </button>
      )}
    </>
  )
}

function isOpenBelow(value: unknown): boolean {
  return isContainer(value) && !isWithheld(value) && Object.keys(value).length > 0
}

function Leaf({ value }: { readonly value: unknown }) {
  if (typeof value === 'string') return <Text text={value} />
  return <span class={value === null ? 'v-mark' : `v-${typeof value}`}>{String(value)}</span>
}

function Text({ text }: { readonly text: string }) {
  const [most, setMost] = useState(LONG_TEXT)
  const rest = text.length - most
  if (text === '') return <span class="v-mark">empty text</span>
  return (
    <>
      <bdi class="v-string">{visible(text.slice(0, most))}</bdi>
      {rest > 0 && (
        <button type="button" class="v-more" onClick={() => setMost(most + MORE_TEXT)}>
          … {bytesText(rest)} more
        </button>
      )}
    </>
  )
}

/** A value in a few words, for a line of a table. */
export function inShort(value: unknown, most = 80): string {
  if (value === undefined) return ''
  if (isWithheld(value)) return 'withheld'
  return cut(visible(shortly(value, most)), most)
}

function shortly(value: unknown, most: number): string {
  if (typeof value === 'string') return value.slice(0, most + 1)
  if (!isContainer(value)) return String(value)
  // Not JSON.stringify: of a value of megabytes, only the beginning is of interest.
  const list = Array.isArray(value)
  let text = ''
  for (const key of Object.keys(value)) {
    if (text.length > most) break
    const member: unknown = (value as Record<string, unknown>)[key]
    const said = isContainer(member) ? (Array.isArray(member) ? '[…]' : '{…}') : shortly(member, most)
    text += `${text === '' ? '' : ', '}${list ? '' : `${key}: `}${said}`
  }
  return list ? `[${text}]` : text
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
