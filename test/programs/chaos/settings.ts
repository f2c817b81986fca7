/** What the processes of a run have to know, handed over in their environment. */
import { inspect } from 'node:util'
import { isPolarisError } from 'polaris-workflow'
import type { DataStore } from 'polaris-workflow'
import { postgresStore } from 'polaris-workflow/stores/postgres'
import { redisStore } from 'polaris-workflow/stores/redis'
import { sqliteStore } from 'polaris-workflow/stores/sqlite'

export const STORES = ['sqlite', 'postgres', 'redis'] as const
export type StoreKind = (typeof STORES)[number]

export type Place =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly schema: string }
  | { readonly kind: 'redis'; readonly url: string; readonly prefix: string }

export interface Settings {
  readonly place: Place
  /** Where feeders and builders keep their books. */
  readonly folder: string
  readonly workflows: number
  /** In milliseconds. */
  readonly lease: number
}

/** Which process this is, and where it is to die. */
export interface Part {
  readonly name: string
  /** As `op:n:when`, see `mortal`. */
  readonly fatal?: string
}

export function openStore(place: Place): DataStore {
  switch (place.kind) {
    case 'sqlite':
      return sqliteStore(place.file)
    case 'postgres':
      return postgresStore({ connectionString: place.url, schema: place.schema, max: 4 })
    case 'redis':
      return redisStore({ url: place.url, prefix: place.prefix })
  }
}

/** What a process met and went on after, for the books. */
export interface Trouble {
  readonly code: string
  readonly text: string
}

export function troubleOf(error: unknown): Trouble {
  return isPolarisError(error) ? { code: error.code, text: error.message } : { code: 'none', text: inspect(error) }
}

export function readPart(): { readonly settings: Settings; readonly part: Part } {
  const { CHAOS_SETTINGS, CHAOS_PART } = process.env
  if (CHAOS_SETTINGS === undefined || CHAOS_PART === undefined) {
    throw new Error('This program is started by the chaos run: npm run chaos -- --store sqlite --kills 5')
  }
  // Nobody else would end it.
  process.once('disconnect', () => process.exit(2))
  return { settings: JSON.parse(CHAOS_SETTINGS) as Settings, part: JSON.parse(CHAOS_PART) as Part }
}
