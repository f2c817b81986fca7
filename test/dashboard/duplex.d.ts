/** Of Node's `fetch`; the types of browsers do not know it. */
interface RequestInit {
  duplex?: 'half'
}
