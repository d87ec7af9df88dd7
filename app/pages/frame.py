"""What stands around the screens: top and bottom lines, panels, the notice. Fixed words only."""

from __future__ import annotations

from html import escape

import gradio as gr

from coach.report import TEXT_ONLY

TOP = (
    '<header class="kefu top"><div><b>客服陪练</b><span>Kefu Coach</span></div>'
    f"<p>客户由谁扮演、是不是 AI，对话上方写明；规则评分。{TEXT_ONLY}。</p></header>"
)
BOTTOM = (
    '<footer class="kefu bottom">难受的时候可以随时停下，和老师或 12356 心理援助热线聊聊。'
    "训练分是本系统自拟的，非官方权重。</footer>"
)
PAUSED = (
    '<div class="kefu sheet"><h2>已暂停</h2>'
    "<p>不计时，也不扣分。关掉页面再回来，对话还在这里。</p></div>"
)
FINISHED = (
    '<div class="kefu sheet"><h2>这次练习结束了</h2>'
    "<p>看看报告里哪几步做到了，哪几句可以更好。</p></div>"
)
DOWNLOADS = (
    '<nav class="kefu downloads" aria-label="下载报告">'
    '<a href="report.html" download>下载 HTML</a><a href="report.json" download>下载 JSON</a></nav>'
)


def about(away: str | None) -> str:
    """Say what talking with a model means; ``away``: the other machine the text goes to."""
    where = f"对话会发到 {away}，姓名和号码先遮住。" if away else "对话不出这台机器。"
    return f"语言模型的话是 AI 生成的，每句先检查再显示，要多等几秒。{where}"


def judged(model: str, away: str | None) -> str:
    """Say that a model also judges; ``away``: the other machine the text goes to."""
    where = f"对话和回复会发到 {escape(away)}，姓名和号码先遮住。" if away else "内容不出这台机器。"
    return (
        '<div class="kefu small" id="judged" role="note">'
        f"这里开着模型评判（{escape(model)}）：勾选了“已满 18 岁”的练习，每句回复另由它评一次，"
        f"是 AI 生成的，单独显示，不计分，要多等几秒。{where}</div>"
    )


def sheet(value: str = "", elem_id: str | None = None) -> gr.HTML:
    """Place a piece of our own HTML, without Gradio's styles and scripts."""
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, js_on_load=None)
