import { checkManifest, data, manifest, step, type, workflow } from 'polaris-workflow'
import type { AnyData, AnyWorkflow, Executor } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { eventually } from '../protocol/bench.ts'
import { dataOf, newLab, over, refusal, texts, thrown } from '../support/lab.ts'
import type { Text } from '../support/lab.ts'
import { eachStore } from '../support/media.ts'

const upgrade = { policy: 'upgrade', version: 2 } as const
const [Draft, Published] = texts('Draft', 'Published')
const Plain = data('Review', type<string>()) as Text
const Review = data('Review', type<string>(), { about: Draft }) as never as Text

const paper = (review: Text, options: object, draft: Text = Draft) => {
  const lab = newLab()
  const publish = lab.step('publish', [draft, review], Published)
  return workflow({ name: 'w', builders: [publish], target: Published, ...options })
}

/** One whose review counts, and one whose draft was replaced since. */
async function givenAndLate(run: Executor, w: AnyWorkflow, review: Text): Promise<void> {
  for (const id of ['given', 'late']) {
    await run.sequential(w, id, Draft('d1'))
    await run.sequential(w, id, review('r1'))
  }
  await run.sequential(w, 'late', Draft('d2'))
}

describe('data about other data, over versions', () => {
  it('is part of what makes a graph the graph it is', () => {
    const [one, other] = [paper(Plain, {}), paper(Review, {})]
    expect(other.plan.fingerprint).not.toBe(one.plan.fingerprint)
    expect(paper(Review, {}).plan.fingerprint).toBe(other.plan.fingerprint)
    expect(other.plan.data.find(({ name }) => name === 'Review')).toMatchObject({ about: 'Draft' })
    const file = JSON.parse(JSON.stringify(manifest([other]))) as never
    expect(JSON.stringify(file)).toContain('"about":"Draft"')
    expect(checkManifest(file, [paper(Review, {})]).workflows[0]?.versions[0]).toMatchObject({
      verdict: 'continue',
      differences: [],
    })
    expect(JSON.stringify(checkManifest(file, [one]))).toContain(`data 'Review' is no longer about 'Draft'`)
    const endless = JSON.parse(JSON.stringify(file).replace('"about":"Draft"', '"about":"Review"')) as unknown
    expect(thrown(() => checkManifest(endless, [one]), 'MANIFEST_INVALID').message).toContain("'Review'")
  })

  eachStore((kind) => {
    it('a review goes on to be about its draft when both move, also where the draft is another value then', async () => {
      const next = data('Draft', type<string>(), {
        version: 2,
        from: { 1: step(type<string>(), (old) => `${old}!`) },
      })
      const ReviewOfNext = data('Review', type<string>(), { about: next }) as never as Text
      const one = paper(Review, {})
      const two = paper(ReviewOfNext, upgrade, next)
      const medium = kind.medium()
      const run = over(medium.open(), one).executor()
      await givenAndLate(run, one, Review)
      const polaris = over(medium.open(), one, two)
      expect((await polaris.executor().rerun(two, 'given', 'publish')).target).toBe('publish(d1!,r1)')
      // What was outdated stays so.
      expect(await polaris.executor().resume(two, 'late')).toMatchObject({ version: 2, waitingFor: ['Review'] })
      const view = await over(medium.open(), one, two).get('given')
      expect({ ...view?.data }).toMatchObject({ Draft: 'd1!', Review: 'r1' })
      // As the instance tells it, it can be named.
      const seq = view?.seqs['Draft'] ?? 0
      const named = (ReviewOfNext as AnyData).untyped('r2', { about: seq }) as never
      expect((await polaris.executor().sequential(two, 'given', named)).target).toBe('publish(d1!,r2)')
      const replaced = await polaris.executor().sequential(two, 'given', next('d3'))
      expect(replaced.waitingFor).toEqual(['Review'])
      await refusal(polaris.executor().sequential(two, 'given', named), 'DATA_OUTDATED')
    })

    it('a version that says for the first time what reviews are about takes them for reviews of what stood then', async () => {
      const one = paper(Plain, {})
      const two = paper(Review, upgrade)
      const medium = kind.medium()
      const run = over(medium.open(), one).executor()
      await givenAndLate(run, one, Plain)
      const polaris = over(medium.open(), one, two)
      expect((await polaris.executor().rerun(two, 'given', 'publish')).target).toBe('publish(d1,r1)')
      expect((await polaris.executor().sequential(two, 'given', Draft('d2'))).waitingFor).toEqual(['Review'])
      expect(await polaris.executor().rerun(two, 'late', 'publish')).toMatchObject({ waitingFor: ['Review'] })
      expect(await dataOf(polaris, 'late')).toMatchObject({ Draft: 'd2' })
      expect(await dataOf(polaris, 'late')).not.toHaveProperty('Review')
      // And back: one that was outdated does not come to life again.
      const three = paper(Plain, { policy: 'upgrade', version: 3 })
      const back = over(medium.open(), one, two, three)
      expect(await back.executor().resume(three, 'late')).toMatchObject({ version: 3 })
      expect(await dataOf(back, 'late')).not.toHaveProperty('Review')
    })

    it('mail that waits says what it is about in the newer version, too', async () => {
      const one = paper(Review, {})
      const two = paper(Review, { ...upgrade, builders: builders() })
      const medium = kind.medium()
      const old = over(medium.open(), one)
      const run = old.executor()
      const first = await run.sequential(one, 'i', Draft('d1'))
      await run.submit(one, 'i', (Review as AnyData).untyped('r1', { about: first.seqOf(Draft) }) as never)
      await run.sequential(one, 'j', Draft('d1'))
      await run.submit(one, 'j', Draft('d2'))
      await run.submit(one, 'j', Review('r1'))
      const polaris = over(medium.open(), one, two)
      polaris.worker({ pollInterval: 20 }).start()
      await eventually(async () => (await polaris.get('i'))?.status === 'completed', 'the review')
      await eventually(async () => (await polaris.get('j'))?.scopes === 3, 'the late one')
      expect(await polaris.get('i')).toMatchObject({ version: 2 })
      expect((await polaris.get('i'))?.data).toMatchObject({ Published: 'publish(d1,r1)' })
      const entries = await polaris.history('j')
      expect(entries.at(-1)).toMatchObject({ outcome: 'failed', error: { code: 'DATA_OUTDATED' } })
      await polaris.close()
    })
  })
})

function builders() {
  const lab = newLab()
  const [Seen] = texts('Seen')
  return [lab.step('publish', [Draft, Review], Published), lab.step('look', [Draft], Seen)]
}
