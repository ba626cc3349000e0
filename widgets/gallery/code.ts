/** Python as a view is told it, with a text in it that no page may run. */
export const CODE = `import cotlens as cl

model = cl.load('abacus')
trace = cl.Trace.from_text('How many?', '<img src=x onerror="window.hacked = 1"> 12 + 7 = 19.', 'The answer is 19.', model=model)
results = []
results.append(cl.importance.Occlusion(unit='sentence').run(trace, model, seed=0))
cl.ImportanceMap(*results, trace=trace)`;
