/** Data that are about one datum of another, and count no longer than that one stands. */
import { builder, data, nothing, settled, timer, type, workflow } from 'polaris-workflow'
import type { AnyData, Builder, Polaris } from 'polaris-workflow'
import { memoryStore } from 'polaris-workflow/stores/memory'
import { describe, expect, it } from 'vitest'
import { auditAfterEach, eventually, newBench } from '../protocol/bench.ts'
import { dataOf, deferred, expectUnknown, failure, newLab, over, refusal, texts } from '../support/lab.ts'
import type { Part, Text } from '../support/lab.ts'
import { eachStore, strictMemory } from '../support/media.ts'

const about = (name: string, subject: AnyData): Text => data(name, type<string>(), { about: subject })
/** A datum that names what it is about. */
const of = (token: Text, value: string, seq: number) => (token as AnyData).untyped(value, { about: seq }) as never

async function explained(polaris: Polaris, id: string) {
  const explanation = await polaris.explain(id)
  if (explanation === undefined) throw new Error(`there is no ${id}`)
  return explanation
}

/** A draft that is written of what it is asked for, or fed; published when it was reviewed. */
function office(parts: { readonly write?: Part; readonly publish?: Part } = {}) {
  const [Brief, Draft, Published] = texts('Brief', 'Draft', 'Published')
  const Review = about('Review', Draft)
  const lab = newLab()
  const write = lab.step('write', [Brief], Draft, parts.write)
  const publish = lab.step('publish', [Draft, Review], Published, parts.publish)
  const w = workflow({ name: 'w', builders: [write, publish], target: Published })
  return { Brief, Draft, Review, Published, lab, w }
}

describe('data about other data', () => {
  auditAfterEach()

  eachStore((kind) => {
    it('about: a review counts for the draft it was given for, and is asked for again once that is replaced', async () => {
      const { Brief, Draft, Review, lab, w } = office()
      const medium = kind.medium()
      const run = over(medium.open(), w).executor()
      const first = await run.sequential(w, 'i', Brief('b1'))
      expect(first).toMatchObject({ status: 'waiting', waitingFor: ['Review'] })
      const done = await run.parallel(w, 'i', Review('fine'))
      expect(done).toMatchObject({ status: 'completed', target: 'publish(write(b1),fine)' })
      lab.look()

      const corrected = await run.parallel(w, 'i', Brief('b2'))
      expect(lab.look()).toEqual(['write'])
      expect(corrected).toMatchObject({ status: 'waiting', waitingFor: ['Review'] })
      expect(corrected.latest(Review)).toBeUndefined()
      expect(corrected.latest(Draft)).toBe('write(b2)')

      const polaris = over(medium.open(), w)
      expect(await polaris.get('i')).toMatchObject({ status: 'waiting', waitingFor: ['Review'] })
      expect((await polaris.get('i'))?.data).toEqual({
        Brief: 'b2',
        Draft: 'write(b2)',
        Published: 'publish(write(b1),fine)',
      })
      const again = await polaris.executor().sequential(w, 'i', Review('still fine'))
      expect(again).toMatchObject({ status: 'completed', target: 'publish(write(b2),still fine)' })
      expect(lab.look()).toEqual(['publish'])
    })

    it('about: one that was given for an older draft is refused, and leaves no trace', async () => {
      const { Brief, Draft, Review, lab, w } = office()
      const medium = kind.medium()
      const polaris = over(medium.open(), w)
      const run = polaris.executor()
      const first = await run.sequential(w, 'i', Brief('b1'))
      const seen = first.seqOf(Draft) ?? 0
      expect((await polaris.get('i'))?.seqs).toEqual({ Brief: 1, Draft: seen })
      const second = await run.sequential(w, 'i', Brief('b2'))
      const before = [await polaris.get('i'), await polaris.history('i')]
      lab.look()
      for (const call of ['sequential', 'parallel', 'submit'] as const) {
        const refused = await refusal(run[call](w, 'i', of(Review, 'fine', seen)), 'DATA_OUTDATED')
        expect(refused.message).toMatch(/'Review' .*'i'.*'Draft' of entry 2.*that of entry 4/)
      }
      // Nor may another process, which has yet to hear of the second one.
      await refusal(
        over(medium.open(), w)
          .executor()
          .parallel(w, 'i', of(Review, 'fine', seen)),
        'DATA_OUTDATED',
      )
      await refusal(run.sequential(w, 'i', of(Review, 'fine', 99)), 'DATA_OUTDATED')
      expect(JSON.stringify([await polaris.get('i'), await polaris.history('i')])).toBe(JSON.stringify(before))
      expect(lab.look()).toEqual([])
      const given = await run.sequential(w, 'i', of(Review, 'fine', second.seqOf(Draft) ?? 0))
      expect(given.target).toBe('publish(write(b2),fine)')
      const entries = await polaris.history('i')
      expect(entries.find(({ data: name }) => name === 'Review')).toMatchObject({
        about: 4,
        inputs: [{ data: 'Draft', seq: 4 }],
      })
    })

    it('about: without a draft there is nothing that a review could be about', async () => {
      const { Draft, Review, w } = office()
      const polaris = over(kind.medium().open(), w)
      const run = polaris.executor()
      await refusal(run.sequential(w, 'i', Review('fine')), 'DATA_OUTDATED')
      await refusal(run.submit(w, 'i', of(Review, 'fine', 1)), 'DATA_OUTDATED')
      await refusal(run.compute(w, Review('fine')), 'DATA_OUTDATED')
      await expectUnknown(polaris, 'i')
      // One that comes along is the one it is about, whatever the order; no other can be named then.
      await refusal(run.sequential(w, 'i', of(Review, 'fine', 1), Draft('d1')), 'DATA_OUTDATED')
      const both = await run.sequential(w, 'i', Review('fine'), Draft('d1'))
      expect(both.target).toBe('publish(d1,fine)')
      expect((await run.compute(w, Review('fine'), Draft('d1'))).status).toBe('completed')
      const replaced = await run.sequential(w, 'i', Draft('d2'))
      expect(replaced.waitingFor).toEqual(['Review'])
    })

    it('about: nothing else may be named', async () => {
      const { Draft, Review, w } = office()
      const run = over(kind.medium().open(), w).executor()
      for (const seq of [0, -1, 1.5, NaN, '1', null, {}, true] as never[]) {
        await refusal(run.sequential(w, 'i', Draft('d'), of(Review, 'fine', seq)), 'DATA_INVALID')
      }
      const error = await refusal(run.sequential(w, 'i', of(Draft, 'd', 1)), 'DATA_INVALID')
      expect(error.message).toMatch(/'Draft'.*about no other data/)
    })

    it('about: what is about something is about it through others', async () => {
      const [Draft, End] = texts('Draft', 'End')
      const Review = about('Review', Draft)
      const Answer = about('Answer', Review)
      const lab = newLab()
      const w = workflow({ name: 'w', builders: [lab.step('end', [Draft, Review, Answer], End)], target: End })
      const medium = kind.medium()
      const run = over(medium.open(), w).executor()
      await run.sequential(w, 'i', Draft('d1'))
      await run.sequential(w, 'i', Review('r1'))
      expect((await run.sequential(w, 'i', Answer('a1'))).target).toBe('end(d1,r1,a1)')
      const replaced = await run.sequential(w, 'i', Draft('d2'))
      expect(replaced.waitingFor).toEqual(['Review', 'Answer'])
      const polaris = over(medium.open(), w)
      expect(await dataOf(polaris, 'i')).toEqual({ Draft: 'd2', End: 'end(d1,r1,a1)' })
      expect((await polaris.get('i'))?.waitingFor).toEqual(['Review', 'Answer'])
      await refusal(polaris.executor().sequential(w, 'i', Answer('a2')), 'DATA_OUTDATED')
      await polaris.executor().sequential(w, 'j', Draft('d1'), Review('r1'))
      // What it would be about is gone once its draft is there.
      await refusal(polaris.executor().sequential(w, 'j', Answer('a1'), Draft('d2')), 'DATA_OUTDATED')
      expect((await polaris.get('j'))?.data['Draft']).toBe('d1')
      await polaris.executor().sequential(w, 'i', Review('r2'))
      const other = await polaris.executor().sequential(w, 'i', Answer('a2'))
      expect(other.target).toBe('end(d2,r2,a2)')
    })

    it('about: who can do without it runs again without it, under a key of its own', async () => {
      const keys: string[] = []
      const [Draft, Page] = texts('Draft', 'Page')
      const Review = about('Review', Draft)
      const lab = newLab()
      const does: Part['does'] = (made, _run, _input, { idempotencyKey }) => {
        keys.push(idempotencyKey)
        return made
      }
      // It does not read the draft itself.
      const [Name] = texts('Name')
      const page = lab.step('page', [Name], Page, { optionals: [Review], does })
      const look = lab.step('look', [Draft], ...texts('Seen'))
      const w = workflow({ name: 'w', builders: [page, look], target: Page })
      const medium = kind.medium()
      const run = over(medium.open(), w).executor()
      await run.sequential(w, 'i', Name('n'), Draft('d1'))
      await run.sequential(w, 'i', Review('r1'))
      const without = await over(medium.open(), w).executor().parallel(w, 'i', Draft('d2'))
      expect(without).toMatchObject({ status: 'completed', target: 'page(n,-)' })
      expect(lab.made.filter((made) => made.startsWith('page'))).toEqual(['page(n,-)', 'page(n,r1)', 'page(n,-)'])
      expect(new Set(keys).size).toBe(3)
    })

    it('about: a reader waits for who makes the draft, so that both modes do the same', async () => {
      const [Brief, Draft, Other, End] = texts('Brief', 'Draft', 'Other', 'End')
      const Review = about('Review', Draft)
      for (const mode of ['sequential', 'parallel'] as const) {
        const lab = newLab()
        const gate = deferred()
        const slow: Part['does'] = (made, run) => (run === 1 ? made : gate.promise.then(() => made))
        const write = lab.step('write', [Brief], Draft, { does: slow })
        const end = lab.step('end', [Review, Other], End)
        const w = workflow({ name: 'w', builders: [end, write], target: End })
        expect(w.plan.ranks).toEqual([['write'], ['end']])
        const run = over(kind.medium().open(), w).executor()
        await run[mode](w, 'i', Brief('b1'))
        await run[mode](w, 'i', Review('r1'))
        lab.look()
        const running = run[mode](w, 'i', Brief('b2'), Other('o'))
        setImmediate(() => gate.resolve())
        expect(await running).toMatchObject({ status: 'waiting', waitingFor: ['Review'] })
        expect(lab.look()).toEqual(['write'])
      }
    })

    it('about: what waits in the mailbox says what it is about, and is a recorded refusal if that is replaced by then', async () => {
      const { Brief, Draft, Review, lab, w } = office()
      const bench = newBench(kind, w)
      const run = bench.process().executor()
      const first = await run.sequential(w, 'i', Brief('b1'))
      const seen = first.seqOf(Draft)
      // Two wait, of which the first replaces what the second is about; that one says nothing of it itself.
      await run.submit(w, 'i', Brief('b2'))
      const late = await run.with({ requestId: 'late' }).submit(w, 'i', Review('fine'))
      expect(late.scope).toBe(3)
      const [mail] = await bench.store.mail('i', { after: 2, limit: 1 })
      expect(JSON.stringify(mail?.body)).toContain(`,${seen ?? 0}]`)
      lab.look()
      const polaris = bench.process()
      polaris.worker({ pollInterval: 20 }).start()
      await eventually(async () => (await bench.header('i')).mailHandled === 3, 'the late one')
      expect(lab.look()).toEqual(['write'])
      // Nothing of it stands, and nothing has failed.
      expect(await polaris.get('i')).toMatchObject({ status: 'waiting', waitingFor: ['Review'], scopes: 3 })
      const entries = await polaris.history('i')
      expect(entries.at(-1)).toMatchObject({ outcome: 'failed', scope: 3, error: { code: 'DATA_OUTDATED' } })
      expect(entries.some(({ data: name }) => name === 'Review')).toBe(false)
      // The same request again is told the same.
      const again = bench.process().executor().with({ requestId: 'late' })
      await refusal(again.parallel(w, 'i', Review('fine')), 'DATA_OUTDATED')
      await refusal(again.parallel(w, 'i', Review('other')), 'REQUEST_CONFLICT')
      expect(await again.submit(w, 'i', Review('fine'))).toEqual({ id: 'i', scope: 3 })
      const done = await bench.process().executor().parallel(w, 'i', Review('now'))
      expect(done.target).toBe('publish(write(b2),now)')
    })

    it('about: a request that was handled is answered also when its draft was replaced since', async () => {
      const { Brief, Draft, Review, w } = office()
      const bench = newBench(kind, w)
      const run = bench.process().executor()
      const seen = (await run.sequential(w, 'i', Brief('b1'))).seqOf(Draft) ?? 0
      const named = run.with({ requestId: 'r' })
      const done = await named.parallel(w, 'i', of(Review, 'fine', seen))
      await run.parallel(w, 'i', Brief('b2'))
      const other = bench.process().executor().with({ requestId: 'r' })
      expect((await other.parallel(w, 'i', of(Review, 'fine', seen))).target).toBe(done.target)
      // To be about another draft is to say something else.
      await refusal(other.parallel(w, 'i', of(Review, 'fine', seen + 2)), 'REQUEST_CONFLICT')
      await refusal(other.parallel(w, 'i', Review('fine')), 'REQUEST_CONFLICT')
    })

    it('about: a call that has to wait for its turn says what it is about when it comes', async () => {
      const gate = deferred()
      const write: Part = { does: (made, run) => (run === 1 ? made : gate.promise.then(() => made)) }
      const { Brief, Review, lab, w } = office({ write })
      const bench = newBench(kind, w)
      await bench.process().executor().parallel(w, 'i', Brief('b1'))
      const one = bench.process().executor().parallel(w, 'i', Brief('b2'))
      await eventually(async () => (await bench.header('i')).pass > 0, 'the scope')
      // Another process: the draft it sees is the first.
      const two = bench.process().executor().parallel(w, 'i', Review('of the first'))
      const refused = refusal(two, 'DATA_OUTDATED')
      await eventually(async () => (await bench.header('i')).mailAppended === 3, 'its mail')
      gate.resolve()
      expect((await one).waitingFor).toEqual(['Review'])
      await refused
      expect(lab.made).not.toContain('publish(write(b2),of the first)')
    })

    it('about: restart, rerun and fork agree on what stands', async () => {
      const { Brief, Draft, Review, w } = office()
      const medium = kind.medium()
      const polaris = over(medium.open(), w)
      const run = polaris.executor()
      await run.sequential(w, 'i', Brief('b1'))
      await run.sequential(w, 'i', Review('r1'))
      const entries = await polaris.history('i')
      const reviewed = entries.find(({ data: name }) => name === 'Review')?.seq ?? 0
      // The draft is made anew, so that nobody has reviewed it.
      expect(await run.restart(w, 'i')).toMatchObject({ status: 'waiting', waitingFor: ['Review'] })
      expect((await run.sequential(w, 'i', Review('r2'))).status).toBe('completed')
      expect(await run.rerun(w, 'i', 'write')).toMatchObject({ status: 'waiting', waitingFor: ['Review'] })
      const copy = await polaris.fork('i', 'copy', { at: reviewed })
      expect(copy.latest(Review)).toBe('r1')
      const gone = await polaris.fork('i', 'gone')
      expect(gone).toMatchObject({ status: 'waiting', waitingFor: ['Review'] })
      // A fed draft stands through a restart, and with it the review of it.
      await run.sequential(w, 'j', Draft('d1'))
      await run.sequential(w, 'j', Review('r1'))
      expect((await run.restart(w, 'j')).target).toBe('publish(d1,r1)')
      for (const id of ['i', 'copy', 'gone', 'j']) {
        const [one, other] = [await polaris.get(id), await over(medium.open(), w).get(id)]
        expect([id, other?.status, { ...other?.data }]).toEqual([id, one?.status, { ...one?.data }])
      }
    })

    it('about: a crash in the middle changes nothing', async () => {
      const world = () => office()
      const play = async (run: ReturnType<Polaris['executor']>, { Brief, Review, w }: ReturnType<typeof office>) => {
        await run.sequential(w, 'i', Brief('b1'))
        await run.sequential(w, 'i', Review('r1'))
        await run.sequential(w, 'i', Brief('b2'))
        return run.sequential(w, 'i', Review('r2'))
      }
      for (let fatal = 1; fatal <= 12; fatal++) {
        for (const how of ['unsent', 'answer lost'] as const) {
          const own = world()
          const bench = newBench(kind, own.w)
          const dying = bench.dying(fatal, how)
          const died = await Promise.race([play(dying.polaris.executor(), own), dying.death.then(() => 'died')])
          if (died !== 'died') break
          await kind.endLeases()
          const polaris = bench.process()
          if ((await polaris.get('i')) !== undefined) await polaris.executor().resume(own.w, 'i')
          const view = await polaris.get('i')
          const text = JSON.stringify({ ...view?.data })
          // Whatever was published was published with the review that was given for it.
          expect(text).not.toMatch(/write\(b2\),r1|write\(b1\),r2/)
          if (view?.data['Draft'] === 'write(b2)' && view.data['Review'] === undefined)
            expect(view).toMatchObject({ status: 'waiting', waitingFor: ['Review'] })
          if (view?.data['Review'] === 'r2') expect(view.data['Published']).toBe('publish(write(b2),r2)')
        }
      }
    })
  }, 'servers')

  it('about: explain says why a review is asked for again', async () => {
    const { Brief, Review, w } = office()
    const polaris = over(memoryStore(), w)
    await polaris.executor().sequential(w, 'i', Brief('b1'))
    await polaris.executor().sequential(w, 'i', Review('r1'))
    await polaris.executor().sequential(w, 'i', Brief('b2'))
    const explanation = await explained(polaris, 'i')
    expect(explanation.targets).toEqual([
      { name: 'Published', state: 'stale', because: ['publish'], waitingFor: ['Review'] },
    ])
    expect(explanation.builders.find(({ name }) => name === 'publish')).toMatchObject({
      state: 'lacking',
      lacks: [
        {
          data: 'Review',
          because: "that of entry 3 is about the 'Draft' of entry 2, and entry 6 has replaced what it stood on",
        },
      ],
    })
  })

  it('about: a target made of it is stale also where others have run since, but not where it was fed', async () => {
    const [Draft, Checked, Extra, End] = texts('Draft', 'Checked', 'Extra', 'End')
    const Review = about('Review', Draft)
    const lab = newLab()
    const check = lab.step('check', [Review], Checked)
    const look = lab.step('look', [Draft], ...texts('Seen'))
    const end = lab.step('end', [Checked, Extra], End)
    const w = workflow({ name: 'w', builders: [check, look, end], target: End })
    const run = over(memoryStore(), w).executor()
    await run.sequential(w, 'i', Draft('d1'), Extra('e1'))
    expect((await run.sequential(w, 'i', Review('r1'))).status).toBe('completed')
    await run.sequential(w, 'i', Draft('d2'))
    expect(await run.sequential(w, 'i', Extra('e2'))).toMatchObject({ status: 'waiting', waitingFor: ['Review'] })
    expect((await run.sequential(w, 'i', Checked('by hand'))).target).toBe('end(by hand,e2)')
    await run.sequential(w, 'i', Draft('d3'))
    expect(await run.sequential(w, 'i', End('by hand'))).toMatchObject({ status: 'completed' })
  })

  it('about: a once builder that has used it stays as it is, and is shown to be outdated', async () => {
    const { Brief, Review, w } = office({ publish: { once: true } })
    const polaris = over(memoryStore(), w)
    await polaris.executor().sequential(w, 'i', Brief('b1'))
    await polaris.executor().sequential(w, 'i', Review('r1'))
    expect((await polaris.executor().sequential(w, 'i', Brief('b2'))).status).toBe('completed')
    const explanation = await explained(polaris, 'i')
    expect(explanation.builders.find(({ name }) => name === 'publish')).toMatchObject({ outdated: true, state: 'done' })
  })

  it('about: a draft that turns out to be the same (cutoff) leaves its review in place', async () => {
    const { Brief, Review, w } = office({ write: { options: { cutoff: true }, does: () => 'the same' } })
    const run = over(memoryStore(), w).executor()
    await run.sequential(w, 'i', Brief('b1'))
    await run.sequential(w, 'i', Review('r1'))
    expect(await run.sequential(w, 'i', Brief('b2'))).toMatchObject({
      status: 'completed',
      target: 'publish(the same,r1)',
    })
  })

  it('about: what a builder makes of a draft is about that one', async () => {
    const [Draft, Strict, End] = texts('Draft', 'Strict', 'End')
    const Verdict = about('Verdict', Draft)
    const lab = newLab()
    const does: Part['does'] = (made) => (made.includes('odd') ? nothing('cannot tell') : made)
    const judge = lab.step('judge', [Draft], Verdict, { optionals: [Strict], does })
    const end = lab.step('end', [Verdict], End)
    const w = workflow({ name: 'w', builders: [judge, end], target: End, feedable: [Verdict] })
    const medium = strictMemory.medium()
    const polaris = over(medium.open(), w)
    const run = polaris.executor()
    const first = await run.sequential(w, 'i', Draft('d1'))
    expect(first.target).toBe('end(judge(d1,-))')
    expect((await polaris.history('i')).find(({ builder }) => builder === 'judge')).toMatchObject({ about: 1 })
    // Without `about`, the older verdict would go on to stand for the newer draft.
    const odd = await run.sequential(w, 'i', Draft('odd'))
    expect(odd).toMatchObject({ status: 'waiting', waitingFor: ['Verdict'] })
    expect(odd.latest(Verdict)).toBeUndefined()
    expect(await dataOf(over(medium.open(), w), 'i')).toEqual({ Draft: 'odd', End: first.target })
    // Somebody else may give it, of this one.
    await refusal(run.sequential(w, 'i', of(Verdict, 'by hand', 1)), 'DATA_OUTDATED')
    expect((await run.sequential(w, 'i', Verdict('by hand'))).target).toBe('end(by hand)')
    expect((await run.sequential(w, 'i', Draft('d3'))).target).toBe('end(judge(d3,-))')
  })

  it('about: an access shows what stood when the pass began, whatever runs beside it', async () => {
    const [Brief, Draft, Ask, Note, End] = texts('Brief', 'Draft', 'Ask', 'Note', 'End')
    const Review = about('Review', Draft)
    for (const mode of ['sequential', 'parallel'] as const) {
      const lab = newLab()
      const builders = [
        lab.step('write', [Brief], Draft),
        lab.step('note', [Ask], Note, { accesses: [Review] }),
        lab.step('end', [Review, Note], End),
      ]
      const w = workflow({ name: 'w', builders, target: End })
      const run = over(memoryStore(), w).executor()
      await run[mode](w, 'i', Brief('b1'))
      await run[mode](w, 'i', Review('r1'))
      const both = await run[mode](w, 'i', Brief('b2'), Ask('a'))
      expect(both.get(Note)).toBe('note(a,r1)')
      expect((await run[mode](w, 'i', Ask('b'))).get(Note)).toBe('note(b,-)')
    }
  })

  it('about: a loop turns until what is given of the newest draft ends it', async () => {
    const [Brief, Draft, Wish, End] = texts('Brief', 'Draft', 'Wish', 'End')
    const Review = about('Review', Draft)
    const lab = newLab()
    const isWish: Part['does'] = (made, _run, { Review: said }) => (said === 'fine' ? nothing() : made)
    const isFine: Part['does'] = (made, _run, { Review: said }) => (said === 'fine' ? made : nothing())
    const builders = [
      lab.step('write', [Brief], Draft, { optionals: [Wish] }),
      lab.step('wish', [Review], Wish, { does: isWish }),
      lab.step('end', [Draft, Review], End, { does: isFine }),
    ]
    const w = workflow({ name: 'w', builders, target: End, loops: true })
    const run = over(memoryStore(), w).executor()
    await run.parallel(w, 'i', Brief('b1'))
    const worse = await run.parallel(w, 'i', Review('shorter'))
    expect(worse).toMatchObject({ status: 'waiting', waitingFor: ['Review'] })
    expect(worse.latest(Draft)).toBe('write(b1,wish(shorter))')
    expect((await run.parallel(w, 'i', Review('fine'))).target).toBe('end(write(b1,wish(shorter)),fine)')
  })

  it('about: a failure of the builder that reads it is tried with the review of its draft only', async () => {
    const publish: Part = {
      does: (made, run) => {
        if (run === 1) throw new Error('out of paper')
        return made
      },
    }
    const { Brief, Review, lab, w } = office({ publish })
    const polaris = over(memoryStore(), w)
    const run = polaris.executor()
    await run.sequential(w, 'i', Brief('b1'))
    await failure(run.sequential(w, 'i', Review('r1')))
    const late = await run.sequential(w, 'i', Brief('b2'))
    expect(late).toMatchObject({ status: 'waiting', waitingFor: ['Review'] })
    expect(lab.made).toEqual(['write(b1)', 'publish(write(b1),r1)', 'write(b2)'])
  })

  it('about: a timer that waits for a review goes on waiting, and one may make what is about its after', async () => {
    const Draft = data('Draft', type<string>())
    const Review = data('Review', type<string>(), { about: Draft })
    const Late = data('Late', type<{ at: Date }>(), { about: Draft })
    const End = data('End', type<string>())
    const end = builder({
      ...{ name: 'end', consumes: { review: Review }, optionals: { late: Late }, produces: End },
      process: ({ review, late }) => `${review} ${late === undefined ? 'in time' : 'late'}`,
    })
    const w = workflow({
      name: 'w',
      builders: [timer({ after: Draft, delay: '1d', unless: Review, produces: Late }), end],
      target: End,
    })
    const polaris = over(memoryStore(), w)
    await polaris.executor().sequential(w, 'i', Draft('d1'))
    const early = await polaris.executor().sequential(w, 'i', Review('r1'))
    expect(early.target).toBe('r1 in time')
    expect((await polaris.get('i'))?.timers).toEqual([])
    await polaris.executor().sequential(w, 'i', Draft('d2'))
    expect((await polaris.get('i'))?.timers).toMatchObject([{ name: 'Late' }])
  })

  it('about: what makes no sense is refused where it is defined, all of it at once', () => {
    const [Draft, Lost, Gone, End] = texts('Draft', 'Lost', 'Gone', 'End')
    const Review = about('Review', Lost)
    const Verdict = about('Verdict', Draft)
    const Stamp = about('Stamp', Draft)
    const Mark = about('Mark', Draft)
    const Note = about('Note', Gone)
    const lab = newLab()
    const judge: Builder = lab.step('judge', [End], Verdict, { optionals: [Draft] })
    const stamp = lab.step('stamp', [Draft], Stamp, { once: true })
    const mark = builder({
      ...{ name: 'mark', consumes: { draft: settled(Draft) }, produces: Mark as never },
      process: () => '' as never,
    })
    const late = timer({ after: End as never, delay: 1, produces: about('Late', Draft) as never, value: 'x' as never })
    const write = lab.step('write', [Review, Note], Draft)
    const builders = [judge, stamp, mark, late, write, lab.step('end', [Gone], End)] as never[]
    const problems = (() => {
      try {
        workflow({ name: 'w', builders, target: End as never, transients: [Gone] as never })
      } catch (error) {
        return (error as { readonly problems: readonly string[] }).problems
      }
      throw new Error('it passed')
    })()
    expect(problems).toEqual([
      "data 'Review' is about 'Lost', which no builder reads or produces",
      "data 'Note' is about 'Gone', but 'Gone' is transient: it is gone before that can count",
      "builder 'judge' produces 'Verdict', which is about 'Draft', but does not consume that: nobody could tell which",
      "builder 'stamp' produces 'Stamp', which is about 'Draft', and is once: another 'Draft' would never get its own",
      "builder 'mark' produces 'Mark', which is about 'Draft', but consumes its outcome: a failure is no datum",
      "timer 'Late' produces 'Late', which is about 'Draft', and comes after 'End': nobody could tell which",
    ])
    const fails = (make: () => unknown, message: RegExp) => expect(make).toThrow(message)
    fails(() => data('X', type<string>(), { about: 'Draft' as never }), /'about' must be a data, but is "Draft"/)
    fails(() => data('Draft', type<string>(), { about: Draft }), /about a data of its own name/)
    const [Other] = texts('Draft')
    const namesake = [lab.step('a', [Draft, about('R', Other)], End)] as never[]
    fails(
      () => workflow({ name: 'w', builders: namesake, target: End as never }),
      /'R' is about 'Draft', but not the one/,
    )
  })

  it('about: what leads from a draft over its review back to it is a cycle', () => {
    const [Brief, Draft, Wish, End] = texts('Brief', 'Draft', 'Wish', 'End')
    const Review = about('Review', Draft)
    const lab = newLab()
    const write = lab.step('write', [Brief], Draft, { optionals: [Wish] })
    const wish = lab.step('wish', [Review], Wish)
    const end = lab.step('end', [Draft], End)
    const made = (loops: boolean, ...builders: unknown[]) => {
      return () => workflow({ name: 'w', builders: builders as never[], target: End as never, loops })
    }
    expect(made(false, write, wish, end)).toThrow(
      "a cycle: write -(Draft)-> wish -(Wish)-> write, where 'wish' reads 'Review', which is about 'Draft'; break it",
    )
    expect(made(true, write, wish, end)).not.toThrow()
    expect(made(true, wish, write, end)).toThrow(
      "builder 'wish' reads 'Review', which is about 'Draft', and is declared before 'write', which makes 'Draft' in the same cycle",
    )
    // One that makes the draft of what is said about it waits for nobody.
    const revise = lab.step('revise', [Brief], Draft, { optionals: [Review] })
    expect(made(false, revise, end)).not.toThrow()
  })
})
