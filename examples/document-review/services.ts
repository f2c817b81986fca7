export interface Studio {
  draw(revenue: readonly number[]): Promise<string>
}

export interface Mail {
  /** The same key again is the same mail, sent once. */
  send(to: string, text: string, key: string): Promise<void>
}

export interface Site {
  /** Puts a page in the place of the one that is there. */
  put(name: string, text: string): Promise<string>
}

export interface Office {
  readonly services: { readonly studio: Studio; readonly mail: Mail; readonly site: Site }
  /** What was done, in order. */
  readonly log: { readonly at: number; readonly what: string }[]
  readonly pages: Map<string, string>
}

const BARS = '▁▂▃▄▅▆▇█'

/** A stand-in for the office, which keeps a log. */
export function fakeOffice(now: () => number): Office {
  const log: { at: number; what: string }[] = []
  const pages = new Map<string, string>()
  const sent = new Set<string>()
  const note = (what: string) => void log.push({ at: now(), what })
  return {
    log,
    pages,
    services: {
      studio: {
        async draw(revenue) {
          note('chart drawn')
          const most = Math.max(...revenue, 1)
          return revenue.map((value) => BARS[Math.round((value / most) * (BARS.length - 1))] ?? ' ').join('')
        },
      },
      mail: {
        async send(to, text, key) {
          if (!sent.has(key)) note(`to ${to}: ${text}`)
          sent.add(key)
        },
      },
      site: {
        async put(name, text) {
          note('published')
          pages.set(name, text)
          return `https://reports.example/${name}`
        },
      },
    },
  }
}
