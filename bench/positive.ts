/** A number above zero that was given to a measurement, which ends with a sentence if it is none. */
export const positive = (option: string, given: string | undefined): number => {
  const number = Number(given)
  if (given?.trim() !== "" && Number.isFinite(number) && number > 0) return number
  console.error(`--${option} takes a number above zero, not ${JSON.stringify(given)}`)
  process.exit(1)
}
