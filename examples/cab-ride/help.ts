import { EVENTS } from './events.ts'

/** The requests to try, to be copied and pasted one after the other. */
export function helpText(origin: string) {
  const send = (ride: string, name: string, example: object) =>
    `  curl ${origin}/rides/${ride}/${name} -d '${JSON.stringify(example)}'`
  const steps = EVENTS.map(({ data, when, example }) => `  # ${when}\n${send('ride-1', data.name, example)}`)
  return `A cab ride, moved on by whatever data come. In order of a usual ride:

${steps.join('\n')}

Look at it, at any time:

  curl ${origin}/rides/ride-1             # where it stands and what it waits for
  curl ${origin}/rides/ride-1/explain     # builder by builder: done, due, or what is missing
  curl ${origin}/rides/ride-1/history     # who made what, when, from what
  curl '${origin}/rides?status=waiting&limit=10'
  curl ${origin}/graph                    # the workflow, as Mermaid

Things to try:

  # send the steps in any other order; stop the server between two of them, kill -9 included: the ride goes on
  # a card that is declined: at the end of the ride, it waits for an OtherCard
${send('ride-2', 'RideRequest', { rider: 'Bob', from: 'Museum', to: 'Harbour', card: 'tok_declined' })}
  # a payment provider that fails at first: at the end of the ride you get a 502, and this pays
${send('ride-3', 'RideRequest', { rider: 'Cleo', from: 'Harbour', to: 'Stadium', card: 'tok_flaky' })}
  curl -X POST ${origin}/rides/ride-3/resume
  # a mistake
${send('ride-4', 'RideRequest', { rider: 'Dan', from: 'Moon', to: 'Airport' })}
`
}
