import { expect, it } from 'vitest'
import { fuzz } from '../programs/fuzz/run.ts'

const REQUESTS = 20_000
/** Of a million requests 8 MiB may stay; with tenfold slack, since the collector leaves now more, now less. */
const ALLOWED_BYTES = (10 * 8 * 1024 ** 2) / 1_000_000

it(
  '20,000 wild requests leave no crash, no 5xx, no leak; `npm run fuzz` sends a million',
  { timeout: 300_000 },
  async () => {
    const seed = 1 + Math.floor(Math.random() * 1e9)
    const { problems, answers, looks, slope, wired } = await fuzz({ requests: REQUESTS, seed })
    expect(problems, `npm run fuzz -- --requests ${REQUESTS} --seed ${seed}`).toEqual([])
    expect(slope).toBeLessThan(ALLOWED_BYTES)
    expect((looks.at(-1)?.handles ?? NaN) - (looks[0]?.handles ?? NaN)).toBeLessThan(20)
    // The requests are of all kinds, and reach all that they are to reach.
    expect(wired).toBeGreaterThan(500)
    const reached = [
      '200',
      '201',
      '202',
      '204',
      '400 BODY_INVALID',
      '400 QUERY_INVALID',
      '400 ID_INVALID',
      '401 UNAUTHENTICATED',
    ]
    const refused = [
      '403 HOST_REFUSED',
      '403 ORIGIN_REFUSED',
      '404 NOT_FOUND',
      '404 INSTANCE_NOT_FOUND',
      '405 METHOD_NOT_ALLOWED',
    ]
    const further = [
      '409 CANCELLED',
      '409 REQUEST_CONFLICT',
      '410 INSTANCE_DELETED',
      '413 BODY_TOO_LARGE',
      '415 TYPE_UNSUPPORTED',
    ]
    const data = [
      '422 DATA_INVALID',
      '422 DATA_NOT_FEEDABLE',
      '422 DATA_UNKNOWN',
      '200 events',
      'by wire 200',
      'by wire 400',
    ]
    for (const name of [...reached, ...refused, ...further, ...data])
      expect([name, answers.get(name) ?? 0]).not.toEqual([name, 0])
  },
)
