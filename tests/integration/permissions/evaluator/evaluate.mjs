// Answers simulations of AWS IAM. One line of JSON in: {"simulations": [...]}, one line out: ["Allowed" | "ImplicitlyDenied" | ...].
// A simulation that makes no sense to IAM (an unknown action, a resource or a condition key that the action does not have) answers
// "error: why" instead. Usage: node evaluate.mjs FOLDER_WITH_NODE_MODULES
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const { runSimulation } = createRequire(join(process.argv[2], 'package.json'))('@cloud-copilot/iam-simulate')

const answered = async (simulation) => {
  const result = await runSimulation(simulation, {})
  return result.resultType === 'error' ? `error: ${JSON.stringify(result.errors)}` : result.overallResult
}

for await (const line of createInterface({ input: process.stdin })) {
  const answers = []
  for (const simulation of JSON.parse(line).simulations) answers.push(await answered(simulation))
  process.stdout.write(JSON.stringify(answers) + '\n')
}
