import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { serve } from 'polaris-workflow/http'
import type { HttpOptions } from 'polaris-workflow/http'
import { afterAll, describe, expect, it } from 'vitest'
import { thrown } from '../support/lab.ts'
import { ORIGIN, worldOf } from './lab.ts'

const folder = mkdtempSync(join(tmpdir(), 'polaris-pages-'))
const INDEX =
  '<!doctype html><meta name="polaris-base" content="/__polaris__/"><script src="/__polaris__/assets/a-1.js">'
mkdirSync(join(folder, 'assets'))
writeFileSync(join(folder, 'index.html'), INDEX)
writeFileSync(join(folder, 'secret.txt'), 'not to be served')
writeFileSync(join(folder, 'assets', 'a-1.js'), 'console.log("é")')
writeFileSync(join(folder, 'assets', 'b-2.css'), 'body{}')
writeFileSync(join(folder, 'assets', 'c.map'), '{}')
afterAll(() => rmSync(folder, { recursive: true }))

/** Asks as a browser that has not signed in. */
function visitor(options: Partial<HttpOptions> = {}) {
  const { handler } = worldOf({ dashboard: folder, ...options })
  return (path: string, init: RequestInit = {}) => handler(new Request(ORIGIN + path, init))
}

describe('the dashboard', () => {
  it('is the index for the paths of pages, with the base path put in', async () => {
    const visit = visitor()
    for (const path of [
      '/',
      '/instances',
      '/instances/ride%2F17',
      '/instances/a/b/c/d/e',
      '/workflows/x',
      '/versions',
    ]) {
      const answer = await visit(path)
      expect([path, answer.status, answer.headers.get('content-type')]).toEqual([path, 200, 'text/html; charset=utf-8'])
      expect(answer.headers.get('cache-control')).toBe('no-cache')
      expect(await answer.text()).toBe(INDEX.replaceAll('/__polaris__/', '/'))
    }
    const mounted = visitor({ basePath: '/ops' })
    for (const path of ['/ops', '/ops/', '/ops/instances/1']) {
      expect(await (await mounted(path)).text()).toContain('src="/ops/assets/a-1.js"')
    }
    for (const path of ['/', '/instances', '/opsinstances', '/ops2/']) expect((await mounted(path)).status).toBe(404)
  })

  it('lets nothing run but its own files, on every page', async () => {
    const visit = visitor()
    for (const path of ['/', '/assets/a-1.js', '/assets/b-2.css']) {
      const { headers } = await visit(path)
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("script-src 'self';")
      expect(policy).toContain("style-src 'self';")
      expect(policy).not.toMatch(/unsafe|nonce|sha256|\*/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-frame-options')).toBe('DENY')
    }
  })

  it('has files that browsers may keep, gzipped for those that take it', async () => {
    const visit = visitor()
    const plain = await visit('/assets/a-1.js')
    expect(plain.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(plain.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(plain.headers.get('content-encoding')).toBeNull()
    expect(await plain.text()).toBe('console.log("é")')
    const packed = await visit('/assets/a-1.js', { headers: { 'accept-encoding': 'br, gzip;q=0.8' } })
    expect([packed.headers.get('content-encoding'), packed.headers.get('vary')]).toEqual(['gzip', 'accept-encoding'])
    expect(gunzipSync(new Uint8Array(await packed.arrayBuffer())).toString()).toBe('console.log("é")')
    const refused = await visit('/assets/a-1.js', { headers: { 'accept-encoding': 'gzip;q=0, identity' } })
    expect(refused.headers.get('content-encoding')).toBeNull()
    const head = await visit('/assets/b-2.css', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('serves nothing else: not what lies beside, not what is above, and by GET only', async () => {
    const visit = visitor()
    const nowhere = ['/secret.txt', '/index.html', '/assets', '/assets/', '/assets/x.js', '/assets/c.map', '/other']
    const climbing = ['/assets/..%2findex.html', '/assets/%2e%2e%2fsecret.txt', '/assets/..%5csecret.txt']
    const deep = ['/instances/1/2/3/4/5/6/7', '//']
    for (const path of [...nowhere, ...climbing, ...deep])
      expect([path, (await visit(path)).status]).toEqual([path, 404])
    const posted = await visit('/', { method: 'POST' })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  it('needs no token, and opens no door: the API asks for one, and host names are checked', async () => {
    const visit = visitor()
    expect((await visit('/')).status).toBe(200)
    expect((await visit('/api/workflows')).status).toBe(401)
    const { handler } = worldOf({ dashboard: folder })
    expect((await handler(new Request('http://evil.example/'))).status).toBe(403)
  })

  it('is not there where nobody asked for it, nor where it was not built', async () => {
    expect((await visitor({ dashboard: false })('/')).status).toBe(404)
    const unbuilt = await visitor({ dashboard: join(folder, 'none') })('/')
    expect([unbuilt.status, await unbuilt.text()]).toEqual([404, expect.stringContaining('was not built')])
    thrown(() => worldOf({ dashboard: 1 as never }), 'OPTION_INVALID')
  })

  it('comes over a socket with its bytes as they are', async () => {
    const { polaris } = worldOf()
    const service = await serve(polaris, { port: 0, dashboard: folder })
    const answer = await fetch(`${service.url}/assets/a-1.js`)
    expect([answer.headers.get('content-encoding'), await answer.text()]).toEqual(['gzip', 'console.log("é")'])
    const raw = await new Promise<number | undefined>((resolve) => {
      const climbing = httpRequest(`${service.url}`, { path: '/assets/../secret.txt' }, (found) => {
        found.resume()
        resolve(found.statusCode)
      })
      climbing.end()
    })
    expect(raw).toBe(404)
    await service.close()
  })
})
