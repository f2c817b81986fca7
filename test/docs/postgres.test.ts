import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { MIGRATIONS } from '../../src/stores/postgres/schema.ts'

const page = readFileSync(new URL('../../docs/stores-postgres.md', import.meta.url), 'utf8')
const statements = MIGRATIONS.flatMap((step) => step('s')).join('\n')
const made = (what: string): string[] =>
  Array.from(statements.matchAll(new RegExp(`CREATE ${what} s\\.(\\w+)`, 'g')), ([, name]) => name as string)

it('the page names every table, and of every function the newest', () => {
  const newest = new Map(made('FUNCTION').map((name) => [name.replace(/_\d+$/, ''), name]))
  const named = new Set(page.match(/`polaris_\w+`/g)?.map((name) => name.slice(1, -1)))
  expect([...named].sort()).toEqual([...made('TABLE'), 'polaris_migrations', ...newest.values()].sort())
})
