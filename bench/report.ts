import type { Figures } from './measure.ts'

export interface Line {
  readonly name: string
  /** `ours_ns / reference_ns`; under 1 where ours is the faster one. */
  readonly ratio: number
  readonly ours_ns: number
  readonly reference_ns: number
}

/** Takes what the benches find, as they find it. */
export interface Report {
  section(title: string, reference: string): void
  /** @param remark for readers only */
  figures(name: string, figures: Figures, remark?: string): void
  line(line: Line, remark?: string): void
}

/** One JSON object a line, and nothing else. */
export function jsonReport(write: (text: string) => void): Report {
  const line = ({ name, ratio, ours_ns, reference_ns }: Line): void =>
    write(JSON.stringify({ name, ratio: round(ratio), ours_ns: round(ours_ns), reference_ns: round(reference_ns) }))
  return {
    section: () => undefined,
    figures: (name, { ratio, ours, reference }) => line({ name, ratio, ours_ns: ours, reference_ns: reference }),
    line,
  }
}

/** For people. */
export function textReport(write: (text: string) => void): Report {
  const row = (name: string, ratio: string, ours: number, reference: number, remark: string): void =>
    write(
      `${name.padEnd(66)}${ratio.padStart(8)}${nanos(ours).padStart(11)}${nanos(reference).padStart(11)}   ${remark}`,
    )
  return {
    section(title, reference) {
      write(
        `\n${title}\n${`  ratio to ${reference}`.padEnd(66)}${'ratio'.padStart(8)}${'ours'.padStart(11)}${'reference'.padStart(11)}`,
      )
    },
    figures(name, { ratio, min, max, ours, reference }, remark = '') {
      row(name, times(ratio), ours, reference, `${times(min)} to ${times(max)}  ${remark}`.trimEnd())
    },
    line: ({ name, ratio, ours_ns, reference_ns }, remark = '') =>
      row(name, times(ratio), ours_ns, reference_ns, remark),
  }
}

function round(value: number): number {
  return Number(value.toPrecision(5))
}

function times(ratio: number): string {
  return ratio < 0.1 ? ratio.toFixed(3) : ratio.toFixed(2)
}

function nanos(value: number): string {
  if (value < 1e3) return `${value.toFixed(0)} ns`
  if (value < 1e6) return `${(value / 1e3).toFixed(2)} µs`
  return value < 1e9 ? `${(value / 1e6).toFixed(2)} ms` : `${(value / 1e9).toFixed(2)} s`
}
