// For the command line: npx polaris dev examples/cab-ride/polaris.ts. It takes the workflows that a module exports, and
// the services that their builders ask for.
import { fakeServices } from './services.ts'

export { cabRide } from './workflow.ts'

// Slow enough to look on while a ride moves.
const serviceMs = Number(process.env['SERVICE_MS'] ?? 1_500)

export const services = () => fakeServices({ ledger: '.polaris/payments.log', serviceMs })
