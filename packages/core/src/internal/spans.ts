/** How long something took, in words for people. */

const units: ReadonlyArray<readonly [string, number]> = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]]

/** Such as `2 h 13 min`: the two largest units that count. Below ten seconds with a tenth. */
export const span = (millis: number): string => {
  const seconds = millis / 1000
  if (!(seconds >= 9.95)) return `${Math.max(0, seconds || 0).toFixed(1)} s`
  const largest = units.findIndex(([, size]) => Math.round(seconds) >= size)
  const parts = units.slice(largest, largest + 2)
  const smallest = parts.at(-1)![1]
  let left = Math.round(seconds / smallest) * smallest
  return parts.flatMap(([unit, size]) => {
    const count = Math.floor(left / size)
    left -= count * size
    return count === 0 ? [] : [`${count} ${unit}`]
  }).join(" ")
}
