import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'

type Schema = Record<string, unknown>

/**
 * What a schema takes, as JSON Schema 2020-12, where its library tells (zod and arktype do, as Standard JSON Schema has it);
 * `{}`, which takes anything, where it does not. References in it are relative to itself.
 */
export function jsonSchemaOf(schema: StandardSchemaV1): Schema {
  const { jsonSchema } = schema['~standard'] as Partial<StandardJSONSchemaV1['~standard']>
  if (jsonSchema === undefined) return {}
  try {
    // zod throws at parts that JSON has no type for, such as dates, unless told otherwise; others read no such option.
    const options = { target: 'draft-2020-12', libraryOptions: { unrepresentable: 'any' } } as const
    const { $schema: _, ...made } = jsonSchema.input(options)
    return made
  } catch {
    return {}
  }
}

/** The same schema as part of a larger document, at a place such as `#/components/schemas/Ride`. */
export function placed(schema: unknown, place: string): unknown {
  if (Array.isArray(schema)) return schema.map((each) => placed(each, place))
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      if (key === '$ref' && typeof value === 'string' && value.startsWith('#')) return [key, place + value.slice(1)]
      return [key, placed(value, place)]
    }),
  )
}
