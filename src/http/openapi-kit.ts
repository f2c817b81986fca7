/** What schemas of the OpenAPI document are put together from. */
export const text = { type: 'string' } as const
export const texts: object = { type: 'array', items: text }
export const count = { type: 'integer', minimum: 0 } as const
export const flag = { type: 'boolean' } as const
export const time = { type: 'string', format: 'date-time' } as const
export const status = { enum: ['running', 'waiting', 'completed', 'failed', 'cancelled', 'retrying'] } as const
/** Values by the names of their data. */
export const data = {
  type: 'object',
  description: 'Values by the names of their data. Of sensitive data there is {"$sensitive": true} instead.',
} as const

/** @param optional names of members that may be absent */
export function object(properties: object, optional: readonly string[] = []): object {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', properties, ...(required.length > 0 && { required }) }
}

export function list(items: object): object {
  return { type: 'array', items }
}

export function ref(schema: string): object {
  return { $ref: `#/components/schemas/${schema}` }
}
