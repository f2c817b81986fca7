import { quote } from './codec.ts'
import type { Row, RowNote, RowOutcome } from './contract.ts'

type Parts = [
  scope: number,
  pass: number,
  builder: string | null,
  data: string | null,
  outcome: RowOutcome,
  inputs: number[],
  startedAt: number,
  endedAt: number,
  note: RowNote | null,
  place?: string,
]

/**
 * A row without its `seq` and value, which stores search by and keep apart, as JSON. Its numbers have to be finite. Put
 * together by hand: `JSON.stringify` takes twice as long, and there is one for every run of a builder.
 *
 * @param withPlace also the place, for a store whose key cannot hold it
 */
export function rowText(row: Row, withPlace: boolean): string {
  const { place, scope, pass, builder, data, outcome, inputs, startedAt, endedAt, note } = row
  return (
    `[${scope},${pass},${builder === null ? 'null' : quote(builder)},${data === null ? 'null' : quote(data)},` +
    `"${outcome}",[${inputs.join()}],${startedAt},${endedAt},${note === null ? 'null' : JSON.stringify(note)}` +
    `${withPlace ? `,${quote(place)}` : ''}]`
  )
}

/**
 * The row back from {@link rowText}.
 *
 * @param key its place, unless the text has it
 */
export function readRow(seq: number, key: string, text: string, value: string | undefined): Row {
  const [scope, pass, builder, data, outcome, inputs, startedAt, endedAt, note, place = key] = JSON.parse(text) as Parts
  return { seq, place, scope, pass, builder, data, outcome, value, inputs, startedAt, endedAt, note }
}
