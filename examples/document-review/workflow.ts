// A quarterly report, from the draft to the published page. Its words come from the author, its figures from finance, in any
// order; a person approves what came of them. Whoever corrects one of the two has exactly what depends on it made again,
// and approved again: an approval is about one proof, and counts no longer than that.
import { builder, data, service, timer, waitFor, workflow } from 'polaris-workflow'
import * as z from 'zod'
import type { Mail, Site, Studio } from './services.ts'

/** From the author. */
export const Draft = data('Draft', z.strictObject({ title: z.string().trim().min(1), body: z.string() }))
/** From finance, in thousands. */
export const Figures = data('Figures', z.strictObject({ revenue: z.array(z.number()).min(1) }))

const Wording = data('Wording', z.object({ title: z.string(), paragraphs: z.array(z.string()) }))
const Findings = data('Findings', z.array(z.string()))
const Chart = data('Chart', z.object({ drawing: z.string() }))
/** What is approved. */
export const Proof = data('Proof', z.object({ text: z.string() }))
const ReviewRequest = data('ReviewRequest', z.object({ reviewer: z.string() }))
const Overdue = data('Overdue', z.object({ at: z.date() }))
const Escalation = data('Escalation', z.object({ to: z.string() }))
/** A person's word on one proof. */
export const Review = data(
  'Review',
  z.strictObject({ by: z.string().trim().min(1), approved: z.boolean(), comment: z.string().default('') }),
  { about: Proof },
)
export const Published = data('Published', z.object({ url: z.string(), approvedBy: z.string() }))

const Studio = service<Studio>()('studio')
const Mail = service<Mail>()('mail')
const Site = service<Site>()('site')

const REVIEWER = 'ruth'
const HEAD_OF_DEPARTMENT = 'henry'
const AVOID = ['synergy', 'leverage', 'world-class']

// Another blank, another line break: the words are the same, and nobody has to look at them again.
const readWording = builder({
  name: 'readWording',
  consumes: { draft: Draft },
  produces: Wording,
  pure: true,
  cutoff: true,
  process({ draft: { title, body } }) {
    const paragraphs = body.split(/\n\s*\n/).map((paragraph) => paragraph.trim().replace(/\s+/g, ' '))
    return { title, paragraphs: paragraphs.filter((paragraph) => paragraph !== '') }
  },
})

const findBuzzwords = builder({
  name: 'findBuzzwords',
  consumes: { wording: Wording },
  produces: Findings,
  pure: true,
  process: ({ wording: { paragraphs } }) =>
    AVOID.filter((word) => paragraphs.some((paragraph) => paragraph.toLowerCase().includes(word))),
})

const drawChart = builder({
  name: 'drawChart',
  consumes: { figures: Figures },
  services: { studio: Studio },
  produces: Chart,
  retry: { attempts: 3, backoff: { initial: '1m' } },
  process: async ({ figures }, { services: { studio } }) => ({ drawing: await studio.draw(figures.revenue) }),
})

const layOut = builder({
  name: 'layOut',
  consumes: { wording: Wording, chart: Chart },
  produces: Proof,
  pure: true,
  process: ({ wording: { title, paragraphs }, chart }) => ({
    text: [title, chart.drawing, ...paragraphs].join('\n\n'),
  }),
})

const askForReview = builder({
  name: 'askForReview',
  consumes: { proof: Proof, findings: Findings },
  services: { mail: Mail },
  produces: ReviewRequest,
  async process({ findings }, { services: { mail }, workflowId, idempotencyKey }) {
    const doubts = findings.length === 0 ? '' : `; mind ${findings.join(', ')}`
    await mail.send(REVIEWER, `Please review ${workflowId}${doubts}`, idempotencyKey)
    return { reviewer: REVIEWER }
  },
})

const overdue = timer({ name: 'overdue', after: ReviewRequest, delay: '2d', unless: Review, produces: Overdue })

const escalate = builder({
  name: 'escalate',
  consumes: { overdue: Overdue },
  // Only looked at: a new request is no reason to complain of the one before.
  accesses: { request: ReviewRequest },
  services: { mail: Mail },
  produces: Escalation,
  async process({ request }, { services: { mail }, workflowId, idempotencyKey }) {
    await mail.send(
      HEAD_OF_DEPARTMENT,
      `${request?.reviewer ?? 'nobody'} has not reviewed ${workflowId}`,
      idempotencyKey,
    )
    return { to: HEAD_OF_DEPARTMENT }
  },
})

const publish = builder({
  name: 'publish',
  consumes: { proof: Proof, review: Review },
  services: { site: Site },
  produces: Published,
  async process({ proof, review }, { services: { site }, workflowId }) {
    if (!review.approved) return waitFor(Review, `${review.by} asks for changes: ${review.comment}`)
    return { url: await site.put(workflowId, proof.text), approvedBy: review.by }
  },
})

export const documentReview = workflow({
  name: 'documentReview',
  builders: [readWording, findBuzzwords, drawChart, layOut, askForReview, overdue, escalate, publish],
  target: Published,
})
