import { fc, it as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { layLanes, type GraphRow } from '../../src/cli/draw/lanes.ts'
import { jsonFault } from '../../src/cli/json-fault.ts'
import { asJson } from '../../src/cli/io.ts'
import { didYouMean } from '../../src/cli/near.ts'
import { cut, line, paint, span, table, widthOf, wrapped } from '../../src/cli/term/text.ts'
import { distanceText, spanText } from '../../src/cli/term/time.ts'
import { newCliLab } from './lab.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

/** Rows in which each makes a datum of its own and reads some of those made above. */
const graphs = fc.array(fc.array(fc.nat(7), { maxLength: 4 }), { minLength: 1, maxLength: 8 }).map((reads) =>
  reads.map((indexes, at): GraphRow => {
    const takes = [...new Set(indexes.filter((index) => index < at))].map((index) => names[index] ?? '')
    return { kind: takes.length === 0 ? 'data' : 'builder', name: `row${at}`, takes, makes: names[at] ?? '' }
  }),
)

describe('lanes', () => {
  property.prop([graphs])(
    'lead from the row that makes a datum to every row that reads it, and nowhere else',
    (rows) => {
      const laid = layLanes(rows)
      const open = new Map<string, number>()
      laid.rows.forEach(({ takes, makes, cells }, at) => {
        const met = cells.flatMap(({ glyph, data }, column) => {
          if (glyph === 'none') return []
          expect(open.get(data ?? '') ?? (glyph === 'start' ? column : undefined)).toBe(column)
          return [[glyph, data, column] as const]
        })
        expect(new Set(met.map(([, data]) => data)).size).toBe(met.length)
        const taken = met.flatMap(([glyph, data]) => (glyph === 'tap' || glyph === 'end' ? [data] : []))
        expect(new Set(taken)).toEqual(new Set(takes))
        for (const data of open.keys()) expect(met.map(([, each]) => each)).toContain(data)
        const readLater = rows.slice(at + 1).some((row) => row.takes.includes(makes))
        expect(met.some(([glyph, data]) => glyph === 'start' && data === makes)).toBe(readLater)
        for (const [glyph, data = '', column] of met) {
          if (glyph === 'start') open.set(data, column)
          if (glyph === 'end') open.delete(data)
          expect(glyph === 'end').toBe(
            !rows.slice(at + 1).some((row) => row.takes.includes(data)) && takes.includes(data),
          )
        }
      })
      expect(open.size).toBe(0)
      expect(laid.width).toBe(Math.max(0, ...laid.rows.map(({ cells }) => cells.length)))
    },
  )
})

describe('jsonFault', () => {
  const spoilt = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom('', '}', ',', '"', 'x', '1', '\\', '\n', ' ', '-', '.', ':', '[', 't'))
    .map(([json, at, put]) => json.slice(0, at % (json.length + 1)) + put + json.slice((at % (json.length + 1)) + 1))

  property.prop([spoilt], { numRuns: 2_000 })('finds the first character that no JSON could have there', (text) => {
    let fails = false
    try {
      JSON.parse(text)
    } catch {
      fails = true
    }
    if (!fails) return
    const { line: row, column } = jsonFault(text)
    const lines = text.split('\n')
    const at = lines.slice(0, row - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1
    expect(at).toBeLessThanOrEqual(text.length)
    // What is before it could still become JSON: it goes wrong only where it ends.
    expect(jsonFault(text.slice(0, at)).found).toBe('where it ends')
  })

  it.each([
    ['{"a": tru}', 1, 7, '"t"'],
    ['{"a": 1,}', 1, 9, '"}"'],
    ['[1\n 2]', 2, 2, '"2"'],
    ['"a', 1, 3, 'ends'],
    ['"a\tb"', 1, 3, '"\\t"'],
    ['', 1, 1, 'ends'],
    ['{} {}', 1, 4, '"{"'],
    ['{a: 1}', 1, 2, '"a"'],
    ["{'a': 1}", 1, 2, `"'"`],
  ])('finds the place in %j', (text, row, column, found) => {
    expect(jsonFault(text)).toMatchObject({ line: row, column, found: expect.stringContaining(found) })
  })
})

describe('text in a terminal', () => {
  it('cannot steer it, wherever it comes from', async () => {
    const evil = '\u001b[2J\u009b31mred\u202egnp.exe\u0007\r\n'
    expect(paint(line(span(evil, 'red')), false)).toBe('\\u001b[2J\\u009b31mred\\u202egnp.exe\\u0007\\u000d⏎')
    // eslint-disable-next-line no-control-regex -- finding them is the point
    expect(asJson({ evil })).not.toMatch(/[\u007f-\u009f\u001b\u0007]/)
    expect(JSON.parse(asJson({ evil }))).toEqual({ evil })
    const lab = newCliLab()
    try {
      lab.file(
        'evil.ts',
        `import { builder, data, type, workflow } from 'polaris-workflow'
        const In = data('In', type())
        const fail = builder({ name: 'fail', consumes: { x: In }, produces: data('Out', type()), process: ({ x }) => { throw new Error(x) } })
        export const flow = workflow({ name: 'flow', builders: [fail], target: fail.produces })`,
      )
      lab.file('evil.db', '')
      const place = ['--module', 'evil.ts', '--store', 'evil.db']
      const said = [await lab.run('feed', 'a', `In=${JSON.stringify(evil)}`, ...place)]
      for (const command of ['get', 'explain', 'history']) said.push(await lab.run(command, 'a', ...place))
      said.push(await lab.run('graph', '--id', 'a', '--format', 'svg', ...place))
      for (const { out, err } of said) {
        expect(out + err).toContain('gnp.exe')
        // eslint-disable-next-line no-control-regex -- finding them is the point
        expect(out + err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
      }
    } finally {
      lab.remove()
    }
  })

  it('is cut to the width of what it shows', () => {
    expect(widthOf('日本é')).toBe(5)
    expect(paint(cut(line('日本語', span('abc', 'red')), 8), false)).toBe('日本語a…')
    expect(paint(cut(line('short'), 8), true)).toBe('short')
    const [head, row] = table([{ title: 'x' }, { title: 'n', right: true }], [['日本', '7']])
    expect([head, row].map((each) => paint(each ?? [], false))).toEqual(['x     n', '日本  7'])
    expect(wrapped('one two three', 8, '  ')).toEqual(['one two', '  three'])
  })

  it('says times as people do', () => {
    expect([0, 999, 1_500, 59_949, 65_000, 3_660_000, 90_000_000].map(spanText)).toEqual([
      ...['0 ms', '999 ms', '1.5 s', '59.9 s', '1 min 05 s', '1 h 01 min', '1 d 1 h'],
    ])
    expect(distanceText('2026-01-01T00:00:10Z', Date.parse('2026-01-01T00:00:00Z'))).toBe('in 10.0 s')
    expect(distanceText('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:10Z'))).toBe('10.0 s ago')
  })

  it('finds what was meant, and nothing where nothing is near', () => {
    expect(didYouMean('RideReqest', ['Route', 'RideRequest'])).toBe(' Did you mean RideRequest?')
    expect(didYouMean('priec', ['price', 'rice'])).toBe(' Did you mean price?')
    expect(didYouMean('Coupon', ['Route'])).toBe('')
    expect(didYouMean('x', [])).toBe('')
  })
})

describe('polaris graph --format svg', () => {
  it('draws every row once and every lane once, as well-formed XML', async () => {
    const lab = newCliLab()
    try {
      const example = new URL('../../examples/cab-ride/polaris.ts', import.meta.url).pathname
      const { out } = await lab.run('graph', '--module', example, '--format', 'svg')
      expect(out).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 \d+ \d+"[\s\S]*<\/svg>\n$/)
      expect(out.match(/<rect x=/g)).toHaveLength(17)
      for (const name of ['RideRequest', 'takePayment', '→ RideClosed ◎ · optional: Rating'])
        expect(out).toContain(`>${name}</text>`)
      // Of 17 rows two make what nobody reads: the target and a message. Each other datum is one line to its last reader.
      expect(out.match(/<path d="M\d+ \d+H[\d.]+Q/g)).toHaveLength(15)
      expect(out.replace(/<[^<>&]*>|[^<>&]|&#\d+;/g, '')).toBe('')
    } finally {
      lab.remove()
    }
  })
})
