import { isPolarisError, Polaris } from '../../index.ts'
import type { AnyWorkflow } from '../../index.ts'
import { httpHandler } from '../../http/index.ts'
import { memoryStore } from '../../stores/memory.ts'
import { openStore } from '../store.ts'
import { checkAnswer, urlOf } from './api.ts'
import type { Api } from './api.ts'

export interface LocalFacts {
  readonly cwd: string
  /** A URL or path, as `openStore` takes it; absent: nothing is kept. */
  readonly store: string | undefined
  readonly workflows: readonly AnyWorkflow[]
  readonly services: object
}

/**
 * The API on a store, in this process: the same answers, the same refusals and the same values withheld as those of a
 * service, without one.
 */
export async function localApi({ cwd, store, workflows, services }: LocalFacts): Promise<Api> {
  const polaris = new Polaris({
    store: store === undefined ? memoryStore() : await openStore(store, { cwd }),
    services,
  })
  polaris.register(...(workflows as readonly never[]))
  let fault: unknown
  const handler = httpHandler(polaris, {
    // Whoever can open the store needs no leave.
    authorize: () => true,
    onError: (error) => void (fault = error),
    maxBody: 2 ** 29,
    bodyTimeout: 2 ** 31 - 1,
  })
  return {
    where: store === undefined ? 'this process; nothing is kept' : `the store ${withoutSecrets(store)}`,
    async send(method, path, { query, body, headers, signal } = {}) {
      fault = undefined
      const request = new Request(urlOf('http://localhost', path, query), {
        method,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal && { signal }),
      })
      return checkAnswer(await handler(request), (code) => detailOf(fault, code))
    },
    async close() {
      handler.close()
      await polaris.close()
    },
  }
}

/** Builders' errors are told by the handler, without what is sensitive. */
const TOLD = new Set(['BUILDER_FAILED', 'BUILDER_TIMEOUT', 'PRODUCT_INVALID'])

/** What clients of a service do not learn, its operator does: which file, which server. */
function detailOf(fault: unknown, code: string): string | undefined {
  if (fault === undefined || TOLD.has(code)) return undefined
  if (isPolarisError(fault)) return fault.message
  return fault instanceof Error ? (fault.stack ?? fault.message) : 'Something was thrown that is no error.'
}

function withoutSecrets(store: string): string {
  return store.replace(/\/\/[^/@]*@/, '//')
}
