/** With a server of its own, which it stops and starts. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isPolarisError } from '../../src/graph/errors.ts'
import { delta, header, insertion, put, update } from '../../src/testing/conformance-kit.ts'
import { startPostgres, type EmbeddedPostgres } from '../support/server-embedded.ts'
import { postgresMedium } from '../support/server-media.ts'

let server: EmbeddedPostgres

beforeAll(async () => {
  server = await startPostgres()
})

afterAll(() => server.stop())

it('while the server is away calls fail with STORE_UNAVAILABLE; when it is back everything works and is there', async () => {
  const medium = postgresMedium(server.url)
  const store = medium.open()
  const heard: string[] = []
  const stop = store.subscribe?.((id) => heard.push(id))
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => put(store, insertion(id))))
  await server.halt()
  for (const call of [() => store.read('a'), () => store.write([update(header('a'))]), () => store.claim(ANY)]) {
    const error = await Promise.resolve(call()).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(isPolarisError(error, 'STORE_UNAVAILABLE')).toBe(true)
  }
  await server.resume()
  await put(store, update(header('a')))
  expect((await store.list({ limit: 10 })).items).toHaveLength(5)
  const deadline = Date.now() + 20_000
  for (let count = 0; heard.length === 0 && Date.now() < deadline; count += 1) {
    await store.append([delta('a', `r-${count}`)])
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(heard).toContain('a')
  stop?.()
  await store.close()
  await medium.dispose()
})

const ANY = { holder: 'w', lease: 1_000, limit: 1, serves: [{ workflow: 'ride', version: 1 }] }
