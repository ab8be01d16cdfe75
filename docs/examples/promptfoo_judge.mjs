// A promptfoo assertion (llm-rubric, factuality, g-eval ...) as a judge of voirdire:
//
//     voirdire audit --task grade --judge 'command:node promptfoo_judge.mjs promptfooconfig.yaml' --cases cases.jsonl
//
// It takes the first assertion that a model grades, or the one whose `metric` is named behind the configuration. promptfoo
// is looked for from the working directory, as node does it (`npm install promptfoo`). --task grade: does it pass;
// score: its score, from 0 to 1; pairwise: both responses are graded and the higher score wins.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';

const GRADED = /^(llm-rubric|factuality|g-eval|answer-relevance|search-rubric|model-graded-|context-)/;

// promptfoo reports to its makers unless it is told not to, and looks for updates
process.env.PROMPTFOO_DISABLE_TELEMETRY ??= '1';
process.env.PROMPTFOO_DISABLE_UPDATE ??= '1';

// only answers may stand on standard output, and promptfoo logs there
const answer = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

// one line that says what is wrong, not a stack
process.on('uncaughtException', (error) => {
  process.stderr.write(`${error.message.split('\n')[0]}\n`);
  process.exit(1);
});

const [file = 'promptfooconfig.yaml', metric] = process.argv.slice(2);
const here = createRequire(path.join(process.cwd(), 'x.js'));
let entry;
try {
  entry = here.resolve('promptfoo');
} catch {
  throw new Error(`there is no promptfoo in ${process.cwd()}: npm install promptfoo`);
}
const esm = path.join(path.dirname(entry), 'index.js');
const promptfoo = (await import(pathToFileURL(fs.existsSync(esm) ? esm : entry))).default;
// a repeat has to be a fresh call
promptfoo.cache.disableCache();

const yaml = createRequire(entry)('js-yaml');
const config = yaml.load(fs.readFileSync(file, 'utf8'));
const defaults = typeof config.defaultTest === 'object' ? config.defaultTest : {};
const tests = [defaults, ...(Array.isArray(config.tests) ? config.tests : [])];
const found = tests
  .flatMap((test) => (test.assert ?? []).map((assertion) => ({ test, assertion })))
  .find(({ assertion }) => (metric ? assertion.metric === metric : GRADED.test(assertion.type)));
if (!found) {
  throw new Error(`${file} has no assertion ${metric ? `with the metric ${metric}` : 'that a model grades'}`);
}

async function grade(vars, response) {
  const test = {
    ...found.test,
    vars,
    options: { ...defaults.options, ...found.test.options },
    assert: [found.assertion],
  };
  const output = { output: response };
  return await promptfoo.assertions.runAssertion({
    prompt: vars.question, assertion: found.assertion, test, vars, providerResponse: output,
  });
}

function text(instruction) {
  return typeof instruction === 'string' ? instruction : instruction.map((t) => `${t.role}: ${t.content}`).join('\n\n');
}

async function judge({ task, instruction, responses, reference, rubric, context }) {
  const question = text(instruction);
  // the names that promptfoo's own examples use for the question
  const asked = { question, query: question, input: question, prompt: question };
  const vars = { ...found.test.vars, ...asked, reference, rubric, context };
  const graded = [];
  for (const response of responses) {
    graded.push(await grade(vars, response));
  }
  // promptfoo counts a grader that failed as a score of 0; here it is no verdict, or an error
  const failed = graded.find((g) => g.metadata?.graderError);
  if (failed) {
    const unread = /^(Could not extract JSON|No output)/.test(failed.reason);
    return unread ? { answer: null, rationale: failed.reason } : { error: failed.reason };
  }
  const used = (kind) => graded.reduce((sum, g) => sum + (g.tokensUsed?.[kind] ?? 0), 0);
  return {
    answer: task === 'grade' ? graded[0].pass : task === 'pairwise' ? graded.map((g) => g.score) : graded[0].score,
    rationale: graded.map((g) => g.reason).join('\n'),
    usage: { input_tokens: used('prompt'), output_tokens: used('completion') },
  };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  let said;
  try {
    said = await judge(JSON.parse(line));
  } catch (error) {
    said = { error: String(error.message ?? error) };
  }
  answer(`${JSON.stringify(said)}\n`);
}
process.exit(0);
