// Run by scripts/check-package.ts where the package is installed: node train.mjs CORPUS MODEL [ENGINE]
import { open, text, train } from 'anyvec'

const [corpus, model, engine = 'native'] = process.argv.slice(2)
const options = { dimensions: 16, epochs: 5, minCount: 1, subsample: 0, threads: 2, seed: 1, engine }
const trained = await train(text(corpus), options)
await trained.save(model)
const opened = await open(model, { engine })
const neighbours = await opened.nearest('fruit0', { k: 5 })

// Looking for host names of open sockets may take seconds.
process.report.excludeNetwork = true
const { sharedObjects } = process.report.getReport()
console.log(
  JSON.stringify({
    engine: trained.report.engine,
    isa: trained.report.isa,
    neighbours: neighbours.map(({ key }) => key),
    addons: sharedObjects.filter((file) => file.endsWith('.node')),
  }),
)
