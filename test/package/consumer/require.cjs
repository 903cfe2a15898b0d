// The same package through require: node require.cjs CORPUS
const { text, train } = require('anyvec')

const options = {
  dimensions: 16,
  epochs: 5,
  minCount: 1,
  subsample: 0,
  threads: 2,
  seed: 1,
  engine: 'native',
}
train(text(process.argv[2]), options)
  .then((embedding) => embedding.nearest('fruit0', { k: 5 }))
  .then((neighbours) => console.log(JSON.stringify({ neighbours: neighbours.map(({ key }) => key) })))
