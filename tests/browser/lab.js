// What the tests ask of JupyterLab, from inside its page.
window.lab = {
    // The notebook that is open, or undefined
    panel() {
        const app = window.jupyterapp;
        return app && [...app.shell.widgets('main')].find(widget => widget.content?.widgets);
    },

    isIdle() {
        const session = window.lab.panel()?.sessionContext;
        return Boolean(session?.isReady) && session.session?.kernel?.status === 'idle';
    },

    // Close all notebooks without a question
    close() {
        for (const panel of [...window.jupyterapp.shell.widgets('main')].filter(widget => widget.content?.widgets)) {
            panel.context.model.dirty = false;
            panel.dispose();
        }
    },

    async useTheme(theme) {
        await window.jupyterapp.commands.execute('apputils:change-theme', {theme});
    },

    async open(path) {
        await window.jupyterapp.commands.execute('docmanager:open', {path, factory: 'Notebook'});
    },

    // Wait for a promise, but not for ever
    answer(promise, seconds) {
        return Promise.race([promise, new Promise((_, refuse) =>
            setTimeout(() => refuse(new Error(`no answer in ${seconds} s`)), 1000 * seconds))]);
    },

    // Run code in the kernel, outside any cell; give the reply, or the value of an expression after it
    async execute(code, expression, seconds) {
        const kernel = window.lab.panel().sessionContext.session.kernel;
        const future = kernel.requestExecute({
            code, silent: true, store_history: false, stop_on_error: false,
            user_expressions: expression === null ? {} : {value: expression},
        });
        const reply = (await window.lab.answer(future.done, seconds)).content;
        return reply.status === 'ok' && expression !== null ? reply.user_expressions.value : reply;
    },

    // Run all cells; give the tracebacks of those that raised
    async runAll(seconds) {
        await window.lab.answer(window.jupyterapp.commands.execute('notebook:run-all-cells'), seconds);
        const outputs = window.lab.panel().content.model.sharedModel.cells.flatMap(cell => cell.toJSON().outputs || []);
        return outputs.filter(output => output.output_type === 'error').map(output => output.traceback.join('\n'));
    },

    // The manager of the notebook's widgets
    manager() {
        const managerIn = widget => {
            if (widget._view?.model?.widget_manager) return widget._view.model.widget_manager;
            for (const part of widget.layout ?? []) {
                const found = managerIn(part);
                if (found) return found;
            }
        };
        return managerIn(window.lab.panel());
    },

    // Change widgets as their views do, and wait until the kernel has answered: [id, state] is set, [id, null, content]
    // is sent as an event
    async tell(messages, seconds) {
        const manager = window.lab.manager(), models = [], answers = [];
        for (const [id, state, content] of messages) {
            const model = await manager.get_model(id);
            models.push(model);
            if (state) {
                const typed = ([name, value]) => [name, Array.isArray(value) ? Float64Array.from(value) : value];
                model.set(Object.fromEntries(Object.entries(state).map(typed)));
                model.save_changes();
            } else {
                answers.push(new Promise(done => model.send(content, {iopub: {
                    status: message => message.content.execution_state === 'idle' && done(),
                }})));
            }
        }
        await window.lab.answer(Promise.all(answers), seconds);
        while (models.some(model => model._pending_msgs > 0)) await new Promise(done => setTimeout(done, 20));
    },

    // Wait until nothing goes between page and kernel for some time: what is answered may be answered again.
    async settled(quiet, seconds) {
        const kernel = window.lab.panel().sessionContext.session.kernel, begin = performance.now();
        const told = [];
        let last = begin;
        const note = (_, {direction, msg}) => {
            last = performance.now();
            told.push(`${direction} ${msg.header.msg_type} ${JSON.stringify(msg.content)}`.slice(0, 200));
        };
        kernel.anyMessage.connect(note);
        try {
            while (performance.now() - last < 1000 * quiet) {
                if (performance.now() - begin > 1000 * seconds) {
                    throw new Error(`page and kernel do not come to rest:\n${told.slice(-12).join('\n')}`);
                }
                await new Promise(done => setTimeout(done, 50));
            }
        } finally {
            kernel.anyMessage.disconnect(note);
        }
    },

    // How many models of widgets, and views of them, the page holds
    async held() {
        const models = await Promise.all(Object.values(window.lab.manager()._models));
        const views = models.map(model => Object.keys(model.views ?? {}).length);
        return {models: models.length, views: views.reduce((sum, n) => sum + n, 0)};
    },

    save: seconds => window.lab.answer(window.lab.panel().context.save(), seconds),
};
