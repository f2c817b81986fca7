import { useEffect } from 'preact/hooks'
import { visible } from './text.tsx'

/** What the browser's tab and history say. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${visible(title).slice(0, 120)} · Polaris`
  }, [title])
}
