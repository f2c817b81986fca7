/** A deploy with real processes, in small; `npm run deploy-drill` does the same with more, see test/versions/RESULTS.md. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, inject, it } from 'vitest'

const PROGRAM = fileURLToPath(new URL('../../.build/test/programs/drill/main.js', import.meta.url))
const INSTANCES = 120

it('a rolling deploy under load, rolled back half way and made again, ends as the check had forecast', async ({
  skip,
}) => {
  const place = inject('postgres')
  if ('missing' in place) return skip(`no postgres: ${place.missing}`)
  const options = ['--json', `--instances=${INSTANCES}`, '--rate=20', `--url=${place.url}`]
  const child = spawn(process.execPath, ['--enable-source-maps', PROGRAM, ...options])
  const [printed, complaint] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  expect(complaint).toBe('')
  const found = JSON.parse(printed) as Readonly<Record<string, unknown>>
  expect(found).toMatchObject({
    ...{ problems: [], instances: INSTANCES, requests: 105 },
    forecast: { move: INSTANCES - 8, stay: 8 },
  })
}, 120_000)
