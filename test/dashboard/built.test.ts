import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { buildDashboard } from '../../scripts/dashboard.mjs'

const FOLDER = new URL('../../dist/dashboard/', import.meta.url)

/** Bytes of all scripts together. */
const MOST_SCRIPT = 250_000

describe('the built dashboard', () => {
  beforeAll(buildDashboard)

  it('has at most 250 kB of script, gzipped', () => {
    const scripts = readdirSync(new URL('assets/', FOLDER)).filter((name) => name.endsWith('.js'))
    const sizes = scripts.map((name) => gzipSync(readFileSync(new URL(`assets/${name}`, FOLDER))).length)
    expect(sizes.length).toBeGreaterThan(0)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MOST_SCRIPT)
  })

  it('asks for nothing from elsewhere, and has nothing inline that the policy of its pages would refuse', () => {
    const html = readFileSync(new URL('index.html', FOLDER), 'utf8')
    expect(html.match(/(src|href)="(?!\/__polaris__\/)[^"]*"/g)).toBeNull()
    expect(html).not.toMatch(/<style|style="|<script(?![^>]* src=)/)
  })
})
