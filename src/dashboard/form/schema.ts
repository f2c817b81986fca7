/** From a JSON Schema to the fields of a form, and from what was typed to JSON. Pure; what it cannot draw is typed as JSON. */
import type { Json, Schema } from '../api/wire.ts'

interface Base {
  readonly title?: string
  /** What a good value is, in a few words. */
  readonly hint?: string
  /** Left empty, it is `null`. */
  readonly nullable?: true
}

export type Field = Base &
  (
    | { readonly kind: 'text'; readonly date: boolean }
    | { readonly kind: 'number'; readonly whole: boolean }
    | { readonly kind: 'flag' }
    | { readonly kind: 'choice'; readonly options: readonly Json[] }
    | { readonly kind: 'group'; readonly members: readonly Member[] }
    | { readonly kind: 'list'; readonly item: Field }
    | { readonly kind: 'json' }
  )

export interface Member {
  readonly name: string
  readonly field: Field
  readonly required: boolean
}

/** What was typed: text for what is one line, members and items for the rest. */
export type Draft = string | readonly Draft[] | { readonly [name: string]: Draft }

const DEEPEST = 6

export function fieldOf(schema: unknown): Field {
  return read(schema, schema, 0)
}

function read(schema: unknown, root: unknown, depth: number): Field {
  const given = resolved(schema, root, 0)
  if (given === undefined || depth > DEEPEST) return { kind: 'json' }
  const base = { ...baseOf(given), ...(isNullable(schema) && { nullable: true as const }) }
  const options = optionsOf(given)
  if (options !== undefined) return { ...base, kind: 'choice', options }
  const { format } = given
  const type = typeOf(given)
  if (type === 'string') return { ...base, kind: 'text', date: format === 'date' }
  if (type === 'number' || type === 'integer') return { ...base, kind: 'number', whole: type === 'integer' }
  if (type === 'boolean') return { ...base, kind: 'flag' }
  if (type === 'array' && given['prefixItems'] === undefined && isSchema(given['items'])) {
    return { ...base, kind: 'list', item: read(given['items'], root, depth + 1) }
  }
  const { properties } = given
  // What may have other members than those it names cannot be typed into those it names.
  const closed = given['additionalProperties'] === undefined || given['additionalProperties'] === false
  if (type === 'object' && isSchema(properties) && closed) {
    const required: readonly unknown[] = Array.isArray(given['required']) ? given['required'] : []
    const members = Object.entries(properties).map(([name, member]) => ({
      ...{ name, required: required.includes(name) },
      field: read(member, root, depth + 1),
    }))
    return { ...base, kind: 'group', members }
  }
  return { ...base, kind: 'json' }
}

/** Some libraries say "or null" by a list of types. */
function typeOf({ type }: Schema): unknown {
  if (!Array.isArray(type)) return type
  const rest = type.filter((each) => each !== 'null')
  return rest.length === 1 ? rest[0] : undefined
}

function isNullable(schema: unknown): boolean {
  if (!isSchema(schema)) return false
  const { type, anyOf, enum: values } = schema
  const isNull = (each: unknown): boolean =>
    each === null || each === 'null' || (isSchema(each) && each['type'] === 'null')
  return [type, anyOf, values].some((each) => Array.isArray(each) && each.some(isNull))
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Follows references, and takes the one of several that is not `null`. */
function resolved(schema: unknown, root: unknown, hops: number): Schema | undefined {
  if (!isSchema(schema) || hops > 20) return undefined
  const { $ref, anyOf, allOf } = schema
  if (typeof $ref === 'string') return resolved(pointed(root, $ref), root, hops + 1)
  if (Array.isArray(allOf) && allOf.length === 1)
    return resolved({ ...without(schema, 'allOf'), ...allOf[0] }, root, hops + 1)
  if (Array.isArray(anyOf)) {
    const rest = anyOf.filter((each) => !(isSchema(each) && each['type'] === 'null'))
    if (rest.length === 1 && isSchema(rest[0]))
      return resolved({ ...without(schema, 'anyOf'), ...rest[0] }, root, hops + 1)
    return undefined
  }
  return schema
}

function without(schema: Schema, name: string): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== name))
}

function pointed(root: unknown, reference: string): unknown {
  if (!reference.startsWith('#')) return undefined
  return pathOf(reference).reduce<unknown>(
    (at, step) => (isSchema(at) && Object.hasOwn(at, step) ? at[step] : undefined),
    root,
  )
}

/** The steps of a JSON pointer, as a fragment or plain. */
export function pathOf(pointer: string): string[] {
  const text = pointer.startsWith('#') ? decoded(pointer.slice(1)) : pointer
  if (text === '') return []
  return text
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function optionsOf({ enum: values, const: only, oneOf, type }: Schema): readonly Json[] | undefined {
  if (Array.isArray(values)) return values.filter((value) => value !== null) as Json[]
  if (only !== undefined) return [only as Json]
  // arktype has alternatives as `oneOf` constants.
  if (type === undefined && Array.isArray(oneOf) && oneOf.every((each) => isSchema(each) && 'const' in each)) {
    return oneOf.map((each) => (each as Schema)['const'] as Json)
  }
  return undefined
}

/** What libraries say for "any whole number". */
const NO_BOUND = 2 ** 53 - 1

function baseOf(schema: Schema): Base {
  const { title, description, default: byDefault } = schema
  const hints = [typeof description === 'string' ? description : undefined, rangeOf(schema), lengthOf(schema)]
  if (byDefault !== undefined) hints.push(`${JSON.stringify(byDefault)} if left out`)
  if (schema['format'] === 'date-time') hints.push('such as 2026-01-31T09:30:00Z')
  const hint = hints.filter((each) => each !== undefined && each !== '').join('; ')
  return { ...(typeof title === 'string' && { title }), ...(hint !== '' && { hint }) }
}

function rangeOf(schema: Schema): string | undefined {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  const type = typeOf(schema)
  if (type !== 'number' && type !== 'integer') return undefined
  const bound = (value: unknown): number | undefined =>
    typeof value === 'number' && Math.abs(value) < NO_BOUND ? value : undefined
  const [from, to] = [bound(minimum), bound(maximum)]
  const [above, below] = [bound(exclusiveMinimum), bound(exclusiveMaximum)]
  const said = [
    from !== undefined && to !== undefined
      ? `${from} to ${to}`
      : from !== undefined
        ? `${from} or more`
        : to !== undefined
          ? `at most ${to}`
          : '',
    above !== undefined ? `above ${above}` : '',
    below !== undefined ? `below ${below}` : '',
  ].filter((text) => text !== '')
  return [type === 'integer' ? 'whole number' : '', ...said].filter((text) => text !== '').join(', ')
}

function lengthOf({ type, minLength, maxLength, pattern }: Schema): string | undefined {
  if (type !== 'string') return undefined
  const said = [
    typeof minLength === 'number' && minLength > 1 ? `${minLength} characters or more` : '',
    typeof maxLength === 'number' ? `at most ${maxLength} characters` : '',
    typeof pattern === 'string' && pattern.length < 60 ? `matches ${pattern}` : '',
  ]
  return said.filter((text) => text !== '').join(', ')
}

export function emptyDraft(field: Field): Draft {
  if (field.kind === 'group')
    return Object.fromEntries(field.members.map(({ name, field }) => [name, emptyDraft(field)]))
  return field.kind === 'list' ? [] : ''
}

/** What was typed cannot be read. */
export class TypingError extends Error {
  override readonly name = 'TypingError'
  /** Steps to the field. */
  readonly path: readonly string[]
  constructor(path: readonly string[], message: string) {
    super(message)
    this.path = path
  }
}

/**
 * What was typed, as JSON; `undefined` where nothing was. Judging it is left to the schema itself, which knows more than can be
 * said in JSON Schema.
 *
 * @throws TypingError for JSON that is none
 */
export function toJson(field: Field, draft: Draft, required: boolean, path: readonly string[] = []): Json | undefined {
  if (field.nullable && required && draft === '') return null
  switch (field.kind) {
    case 'group':
      return groupToJson(field.members, draft as Readonly<Record<string, Draft>>, required, path)
    case 'list':
      return listToJson(field.item, draft as readonly Draft[], required, path)
    case 'text':
      return draft === '' && !required ? undefined : draft
    case 'number':
      return numberOf(draft as string)
    case 'flag':
      return draft === '' ? (required ? false : undefined) : draft === 'true'
    case 'choice':
      return draft === '' ? undefined : field.options[Number(draft)]
    case 'json':
      return jsonOf(draft as string, path)
  }
}

function groupToJson(
  members: readonly Member[],
  draft: Readonly<Record<string, Draft>>,
  required: boolean,
  path: readonly string[],
): Json | undefined {
  const made = members.flatMap(({ name, field, required }): [string, Json][] => {
    const value = toJson(field, draft[name] ?? emptyDraft(field), required, [...path, name])
    return value === undefined ? [] : [[name, value]]
  })
  return made.length === 0 && !required ? undefined : Object.fromEntries(made)
}

function listToJson(
  item: Field,
  drafts: readonly Draft[],
  required: boolean,
  path: readonly string[],
): Json | undefined {
  if (drafts.length === 0 && !required) return undefined
  return drafts.map((draft, index) => toJson(item, draft, true, [...path, String(index)]) ?? null)
}

/** What is no number goes as it is, so that the schema says what it thinks of it. */
function numberOf(text: string): Json | undefined {
  if (text.trim() === '') return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : text
}

function jsonOf(text: string, path: readonly string[]): Json | undefined {
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    throw new TypingError(path, `This is not JSON: ${(error as Error).message}`)
  }
}
