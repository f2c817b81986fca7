/** Copies of an instance, and its way to another version. */
import { useState } from 'preact/hooks'
import { ask, at } from '../api/client.ts'
import { useLoad } from '../api/load.ts'
import type { WorkflowOfList } from '../api/wire.ts'
import { go, href } from '../router.ts'
import { With } from '../ui/states.tsx'
import { visible, Words } from '../ui/text.tsx'
import { clock } from '../ui/time.tsx'
import { VersionChoice } from '../ui/version-choice.tsx'
import { Confirm, Names, post } from './confirm.tsx'
import type { ActionDialogProps } from './confirm.tsx'
import { outcomeText } from './outcomes.ts'

const MOST_ENTRIES = 500

export function ForkDialog({ shown, onClose }: ActionDialogProps) {
  const { instance, entries } = shown.seen
  const [id, setId] = useState(`${instance.id}-fork`.slice(0, 512))
  const [from, setFrom] = useState('')
  const act = async (): Promise<void> => {
    await post(shown, 'fork', { id, ...(from !== '' && { at: Number(from) }) })
    go(href(['instances', id]))
  }
  return (
    <Confirm shown={shown} onClose={onClose} title="Fork" verb="Fork" disabled={id.trim() === ''} act={act}>
      <p>A copy of the instance under another id. Nothing runs in it by itself; waiting data do not come along.</p>
      <label class="field">
        <span class="field-name">Id of the copy</span>
        <input type="text" value={id} maxLength={512} required onInput={(event) => setId(event.currentTarget.value)} />
      </label>
      <label class="field">
        <span class="field-name">As it stood after</span>
        <select value={from} onChange={(event) => setFrom(event.currentTarget.value)}>
          <option value="">Now</option>
          {entries
            .slice(-MOST_ENTRIES)
            .reverse()
            .map((entry) => (
              <option key={entry.seq} value={String(entry.seq)}>
                #{entry.seq} · {clock(entry.endedAt, Date.now())} · {visible(entry.builder ?? '')} {outcomeText(entry)}{' '}
                {visible(entry.data ?? '')}
              </option>
            ))}
        </select>
      </label>
    </Confirm>
  )
}

interface Preview {
  readonly possible: boolean
  readonly because?: readonly { readonly message: string }[]
  readonly steps?: readonly string[]
  readonly dropped?: readonly string[]
  readonly wouldRun?: readonly string[]
}

interface Upgraded {
  readonly busy: number
  readonly stranded: readonly { readonly message: string }[]
}

export function UpgradeDialog({ shown, onClose }: ActionDialogProps) {
  const { id, workflow, version } = shown.seen.instance
  const versions = useLoad('workflows', (signal) =>
    ask<{ workflows: readonly WorkflowOfList[] }>(at(['workflows']), { signal }),
  )
  const others = (versions.data?.workflows.find(({ name }) => name === workflow)?.versions ?? []).filter(
    (each) => each !== version,
  )
  const [chosen, setChosen] = useState<number | undefined>(undefined)
  const to = chosen ?? others[0]
  const path = to === undefined ? undefined : at(['instances', id, 'preview'], { operation: 'upgrade', to })
  const preview = useLoad(path, (signal) => ask<Preview>(path ?? '', { signal }))
  const act = async (): Promise<void> => {
    const report = await post<Upgraded>(shown, 'upgrade', { to })
    const [stranded] = report.stranded
    if (stranded !== undefined) throw new Error(stranded.message)
    if (report.busy > 0) throw new Error('It is being worked on: ask again in a while.')
  }
  return (
    <Confirm
      shown={shown}
      onClose={onClose}
      title="Upgrade"
      verb={to === undefined ? 'Move it' : `Move it to version ${to}`}
      act={act}
      disabled={preview.data?.possible !== true}
    >
      {versions.data && others.length === 0 && <p>No other version of {visible(workflow)} is served here.</p>}
      {to !== undefined && (
        <>
          <VersionChoice versions={others} chosen={to} onChoose={setChosen} />
          <With of={preview} what="what it would mean">
            {(data) => <Previewed {...data} />}
          </With>
          <p class="muted">
            Only this instance moves.{' '}
            <a href={href(['workflows', workflow], { version: String(version) })}>All of version {version}</a> can be
            moved from the page of the workflow.
          </p>
        </>
      )}
    </Confirm>
  )
}

function Previewed({ possible, because = [], steps = [], dropped = [], wouldRun = [] }: Preview) {
  if (!possible) {
    return (
      <div class="error-box">
        <p>
          <strong>This instance cannot move.</strong>
        </p>
        {because.map(({ message }) => (
          <p key={message}>
            <Words text={message} />
          </p>
        ))}
      </div>
    )
  }
  return (
    <>
      {steps.map((step) => (
        <p key={step}>
          <Words text={step} />
        </p>
      ))}
      {dropped.length > 0 && <p>Data that the other version does not have, and that it loses:</p>}
      {dropped.length > 0 && <Names names={dropped} />}
      <p>{wouldRun.length === 0 ? 'Nothing runs because of it.' : 'These would run, at once or later:'}</p>
      <Names names={wouldRun} />
    </>
  )
}
