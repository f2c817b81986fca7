/** A worker that stops leaves what it could not finish to others. */
export class Left extends Error {}
