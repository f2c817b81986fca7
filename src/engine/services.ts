/** What the compiler makes of the services that workflows ask for and those that were given. */
import type { Service } from '../graph/builder.ts'
import type { Workflow } from '../graph/workflow.ts'

type ServicesOf<W> = W extends Workflow<infer _R, infer _M, infer _T, infer Uses> ? Uses : never
/** Those of the services in the union `S` that were not given, or not of the type asked for. */
type Lacking<S, Given> =
  S extends Service<infer Name, infer T> ? (Given extends { readonly [K in Name]: T } ? never : S) : never
/** What the compiler shows for workflows that ask for services nobody gave. */
interface ServiceNotGiven<Missing> {
  readonly missing: Missing
}
/** Lets a workflow pass whose services are all given; for another it names what is missing. */
export type Served<W, Given> = [Lacking<ServicesOf<W>, Given>] extends [never]
  ? W
  : ServiceNotGiven<Lacking<ServicesOf<W>, Given>>
