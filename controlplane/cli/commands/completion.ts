/** `drover completion`: a script that lets a shell complete commands and options. */
import { leaf, type Call, type Result } from '../command.js';

async function run({ args: [shell = ''], tree }: Call): Promise<Result> {
  const { completionScript } = await import('../completion.js');
  const script = completionScript(shell as 'bash' | 'zsh' | 'fish', tree());
  return { message: { shell, script }, view: [{ kind: 'verbatim', text: script }] };
}

export const completion = leaf({
  name: 'completion',
  summary: 'Print a completion script for a shell.',
  args: [['<shell>', 'bash, zsh or fish', ['bash', 'zsh', 'fish']]],
  examples: [
    'source <(drover completion bash)',
    'drover completion zsh > ~/.zfunc/_drover',
    'drover completion fish > ~/.config/fish/completions/drover.fish',
  ],
  options: {},
  run,
});
