import { Trouble } from '../trouble.ts'
import { checkAnswer, Refusal, urlOf } from './api.ts'
import type { Api } from './api.ts'

export interface Service {
  /** Where it is, such as `http://127.0.0.1:8787`. */
  readonly url: string
  readonly token?: string
}

/** A running service. */
export function remoteApi({ url, token }: Service): Api {
  const base = url.replace(/\/+$/, '')
  return {
    where: `the service at ${base}`,
    async send(method, path, { query, body, headers, signal } = {}) {
      const response = await fetch(urlOf(base, path, query), {
        method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal && { signal }),
      }).catch((error: unknown) => {
        if (signal?.aborted === true) throw error
        throw new Unreachable(base, error)
      })
      try {
        return await checkAnswer(response)
      } catch (error) {
        throw error instanceof Refusal && error.code === 'UNAUTHENTICATED' ? wrongToken(base, token) : error
      }
    },
    close: async () => undefined,
  }
}

/** Nobody answers. */
export class Unreachable extends Trouble {
  constructor(base: string, error: unknown) {
    const { cause } = error as { readonly cause?: { readonly code?: string; readonly message?: string } }
    const why = cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : '')
    super(`The service at ${base} does not answer (${why}). Is it running, and is this its address?`)
  }
}

function wrongToken(base: string, token: string | undefined): Trouble {
  const given = token === undefined ? 'needs a token' : 'does not take this token'
  return new Trouble(`The service at ${base} ${given}: give the one it printed by --token or POLARIS_TOKEN.`)
}
