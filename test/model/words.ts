/** Short words for workflows written down by hand. */
import { plain } from './spec.ts'
import type { Behaviour, BuilderSpec, WorkflowSpec } from './spec.ts'

/** `b('X Y? (Z) > Q')`: consumes X, may use Y, sees Z, produces Q; the builder is called q. */
export function b(
  text: string,
  more: Partial<Behaviour> & Pick<Partial<BuilderSpec>, 'once' | 'fallback' | 'cutoff'> = {},
): BuilderSpec {
  const [left = '', right = ''] = text.split('>')
  const words = left.split(' ').filter((word) => word !== '')
  const { once = false, fallback = false, cutoff = false, ...behaviour } = more
  return {
    name: right.trim().toLowerCase(),
    consumes: words.filter((word) => /^\w+$/.test(word)),
    optionals: words.filter((word) => word.endsWith('?')).map((word) => word.slice(0, -1)),
    accesses: words.filter((word) => word.startsWith('(')).map((word) => word.slice(1, -1)),
    produces: right.trim(),
    once,
    fallback,
    cutoff,
    pure: false,
    behaviour: { ...plain, ...behaviour },
  }
}

/** A workflow whose target is what its last builder makes, unless told otherwise. */
export function w(builders: BuilderSpec[], more: Partial<WorkflowSpec> & { target?: string } = {}): WorkflowSpec {
  const { target = builders.at(-1)!.produces, ...rest } = more
  return { builders, targets: [target], transients: [], loops: false, durability: 'builder', ...rest }
}
