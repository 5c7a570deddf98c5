// `npm run bench -- <name>`, with the numbers that the measurement takes behind it.
const names = [
  "transitions",
  "turns",
  "calls",
  "processes",
  "cluster",
  "hop",
  "herd",
  "store",
  "growth",
  "startup",
  "waiting",
  "retention",
  "soak",
  "explorer",
  "page",
  "traces",
  "all"
]
const [name = ""] = process.argv.splice(2, 1)
if (!names.includes(name)) {
  console.error(`Expected the name of a measurement: ${names.join(", ")}`)
  process.exit(1)
}
await import(`./${name}.ts`)
