/** Moves the open instances of a version to another one. */
import { useState } from 'preact/hooks'
import { ask, at } from '../api/client.ts'
import { DialogEnd } from '../ui/dialog-end.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { count, plural, Words } from '../ui/text.tsx'
import { VersionChoice } from '../ui/version-choice.tsx'

interface Report {
  readonly moved: number
  readonly failed: number
  readonly busy: number
  readonly stranded: readonly { readonly count?: number; readonly message: string }[]
}

interface UpgradeProps {
  readonly workflow: string
  readonly version: number
  readonly versions: readonly number[]
}

export function UpgradeButton(props: UpgradeProps) {
  const [open, setOpen] = useState(false)
  if (props.versions.length < 2) return null
  return (
    <>
      <p class="panel-action">
        <button type="button" class="button" onClick={() => setOpen(true)}>
          Move those of v{props.version} …
        </button>
      </p>
      {open && <UpgradeDialog {...props} onClose={() => setOpen(false)} />}
    </>
  )
}

function UpgradeDialog({ workflow, version, versions, onClose }: UpgradeProps & { readonly onClose: () => void }) {
  const others = versions.filter((each) => each !== version)
  const [to, setTo] = useState(others[0] ?? version)
  const [busy, setBusy] = useState(false)
  const [report, setReport] = useState<Report | undefined>(undefined)
  const [problem, setProblem] = useState<string | undefined>(undefined)
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    setProblem(undefined)
    try {
      const path = at(['workflows', workflow, 'upgrade'])
      setReport(await ask<Report>(path, { method: 'POST', body: { version, to } }))
    } catch (error) {
      setProblem((error as Error).message)
    }
    setBusy(false)
  }
  return (
    <Dialog title={`Move the open instances of version ${version}`} onClose={onClose}>
      <form class="confirm" onSubmit={(event) => void submit(event)}>
        <VersionChoice versions={others} chosen={to} onChoose={setTo} />
        <p>
          Each moves if its data and its graph allow it, and new or changed builders whose inputs are there run at once.
          Those that cannot move stand as they do.
        </p>
        <div role="status">{report && <Told report={report} />}</div>
        <DialogEnd
          problem={problem}
          leave={report ? 'Done' : 'Leave it'}
          onClose={onClose}
          verb={busy ? 'Moving …' : 'Move them'}
          disabled={busy}
        />
      </form>
    </Dialog>
  )
}

function Told({ report: { moved, failed, busy, stranded } }: { readonly report: Report }) {
  return (
    <>
      <p class="told ink-good">{plural(moved, 'instance')} moved.</p>
      {failed > 0 && <p class="told ink-bad">In {count(failed)} of them a builder has failed since.</p>}
      {busy > 0 && <p class="told">{plural(busy, 'instance was', 'instances were')} being worked on: ask again.</p>}
      {stranded.map(({ message }) => (
        <p key={message} class="told ink-warn">
          <Words text={message} />
        </p>
      ))}
    </>
  )
}
