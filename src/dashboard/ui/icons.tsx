/** Drawn here, so that nothing is loaded. All are decoration: what they say stands beside them in words. */
const PATHS = {
  check: 'M3.5 8.5l3 3 6-7',
  cross: 'M4.5 4.500l7 7M11.5 4.500l-7 7',
  dot: 'M8 8h.01',
  pause: 'M6 4.500v7M10 4.500v7',
  clock: 'M8 4.800V8l2.2 1.600M8 2.200a5.8 5.8 0 1 0 0 11.600a5.8 5.8 0 1 0 0-11.6',
  retry: 'M12.8 8a4.8 4.8 0 1 1-1.5-3.500M12.9 2.400v2.800h-2.8',
  play: 'M5.2 3.600v8.800L12.2 8z',
  stop: 'M4.5 4.500h7v7h-7z',
  minus: 'M4 8h8',
  plus: 'M8 3.500v9M3.5 8h9',
  fit: 'M2.8 6V2.800H6M10 2.800h3.200V6M13.2 10v3.200H10M6 13.200H2.800V10',
  search: 'M7 2.500a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9M10.4 10.400l3.1 3.1',
  right: 'M6 3.500l4.5 4.500L6 12.5',
  down: 'M3.5 6L8 10.5 12.5 6',
  back: 'M9.5 3.500L5 8l4.5 4.5',
  alert: 'M8 5v3.600M8 11.200h.01M8 2.200a5.8 5.8 0 1 0 0 11.600a5.8 5.8 0 1 0 0-11.6',
  arrow: 'M2.5 8h10M9 4.500L12.5 8 9 11.5',
  fork: 'M5 2.500v5.500c0 1.5 1 2.3 2.5 2.300H11M5 8v5.500M9 8l2.3 2.300L9 12.6',
  star: 'M8 1.800c.45 3.7 1.850 5.450 6.2 6.2-4.350.75-5.750 2.5-6.2 6.2-.45-3.7-1.850-5.450-6.2-6.2 4.350-.75 5.750-2.5 6.2-6.200z',
  copy: 'M5.5 5.500h7v7h-7zM3.5 10.500v-7h7',
  lock: 'M4.5 7.500h7v5h-7zM6 7.500V5.500a2 2 0 0 1 4 0v2',
  sun: 'M8 5.200a2.8 2.8 0 1 0 0 5.600a2.8 2.8 0 1 0 0-5.600M8 1.500v1.200M8 13.300v1.200M1.5 8h1.200M13.3 8h1.200M3.4 3.400l.9.900M11.7 11.700l.9.900M12.6 3.400l-.9.900M4.3 11.700l-.9.9',
  moon: 'M12.9 9.600A5.4 5.4 0 0 1 6.4 3.100a5.4 5.4 0 1 0 6.5 6.500z',
  auto: 'M8 2.200a5.8 5.8 0 1 0 0 11.600a5.8 5.8 0 1 0 0-11.600M8 2.200v11.600M10.5 3v10M12.6 4.600v6.8',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  )
}
