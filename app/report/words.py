"""Chinese names for ids on screen and in reports. Knows names only, no rule and no layout."""

from __future__ import annotations

from coach.scenario import Scenario

CHANNELS = {
    "inbound": "电话 · 呼入",
    "outbound": "电话 · 外呼",
    "chat": "在线文字",
    "in_person": "当面",
}
TYPING = {"inbound": "正在说…", "outbound": "正在说…", "chat": "正在输入…", "in_person": "正在说…"}
TYPES = {
    "irritable": "脾气暴躁", "talkative": "唠叨", "indecisive": "犹豫不决", "sceptical": "怀疑",
    "silent": "沉默寡言", "expert": "专业较真", "threatening": "威胁曝光", "demanding": "要求过高",
    "claimant": "职业索赔", "elderly": "老年人", "dialect": "方言口音", "urgent": "急迫",
    "ashamed": "自责羞愧", "overpolite": "过度客气", "burnt_out": "职业倦怠",
    "conflict": "同事冲突",
    "underperforming": "业绩落后", "newcomer": "新人", "star": "业务骨干", "defensive": "防备心重",
}  # fmt: skip
ENDS = {
    "resolved": "问题解决，对方满意地结束了对话", "hung_up": "对方不愿再说，结束了对话",
    "escalated": "对方去别处投诉了", "timed_out": "拖得太久，对方离开了",
    "closed_by_agent": "你先结束了对话，问题没有解决", "stopped": "你提前结束了练习",
}  # fmt: skip
STAFF_ENDS = {
    "resolved": "谈妥了，定下了下一步", "hung_up": "对方不愿再谈，走开了",
    "escalated": "对方要去找上一级谈", "timed_out": "谈得太久，没有结果",
    "closed_by_agent": "你先结束了谈话，事情没有谈完", "stopped": "你提前结束了练习",
}  # fmt: skip
MOODS = {"anger": "怒气", "trust": "信任", "patience": "耐心"}
DIMENSIONS = {"empathy": "同理心", "politeness": "礼貌用语", "procedure": "规范步骤"}
SEVERITIES = {"minor": "轻微", "major": "严重", "fatal": "致命"}
STATUSES = {"done": "做到", "out_of_order": "做了，次序靠后", "missed": "没有做到"}
MARKS = {"done": "✓", "out_of_order": "△", "missed": "✗"}
AI_MARK = ' <small class="ai" title="这句话由语言模型生成">AI 生成</small>'
ENGINES = {"scripted": "脚本", "transformers": "本机语言模型", "endpoint": "语言模型"}
FAULTS = {"tone": "语气", "trick": "不计分的话", "reads_badly": "拉低这一项的话"}
WHOLE = {"reads_well": "托起这一项的话"}
BREACHES = {
    "shirk": "推诿", "interrogate": "反问质问", "cold": "冷淡敷衍", "command": "命令口气",
    "sarcasm": "讽刺", "refuse": "生硬拒绝", "overpromise": "越权承诺", "internal": "泄露内部信息",
    "privacy": "泄露隐私", "belittle": "贬低对方", "mislead": "说法不实", "slang": "用语随意",
    "abuse": "辱骂", "threat": "威胁", "hang_up": "擅自结束", "public_blame": "当众指责",
    "comparison": "拿别人比", "empty_consolation": "空洞安慰",
}  # fmt: skip
EMPATHY_KINDS = {
    "empathy": "同理心",
    "apology": "致歉",
    "affirm": "肯定对方",
    "ownership": "承担跟进",
}
POLITE_KINDS = {
    "greeting": "问候", "self_intro": "自报身份", "thanks": "致谢", "please": "征询请求",
    "courteous": "体谅礼让", "closing": "结束语", "offer_help": "主动询问", "consent": "征得同意",
    "confirm_satisfaction": "征求意见", "address": "敬称", "private": "保护对方",
}  # fmt: skip
STEP_KINDS = {
    "verify_identity": "核对身份", "question": "提问", "restate": "复述确认",
    "solution": "给出办法",
    "timeframe": "说明时限", "hold": "请对方等候", "transfer": "转接升级",
    "alternative": "替代办法",
    "case_number": "报单号", "choice": "给选择", "complaint_channel": "告知投诉渠道",
    "disclosure": "讲清条款", "opt_out": "登记不再打扰", "reason": "说明原因", "safety": "先止损",
    "warning": "提醒文明用语", "action_plan": "定下一步", "check_understanding": "确认听懂",
    "fact": "用事实说话", "follow_up": "约定复盘", "open_question": "开放式提问",
    "options": "听对方的办法", "hold_reason": "等候原因", "hold_time": "等候时长",
    "handover": "转告情况", "purpose": "说明来意", "refusal": "说明不能办",
}  # fmt: skip
KINDS = EMPATHY_KINDS | POLITE_KINDS | STEP_KINDS | WHOLE | FAULTS | BREACHES


def kind(name: str) -> str:
    """Give the Chinese name of a signal or breach; a kind without one is shown as 其他."""
    return KINDS.get(name.removeprefix("missing_"), "其他")


def group(name: str) -> str:
    """Give the colour group of a kind: empathy, politeness, procedure or breach."""
    if name in BREACHES or name in FAULTS:
        return "breach"
    if name in EMPATHY_KINDS:
        return "empathy"
    return "politeness" if name in POLITE_KINDS else "procedure"


def channel(case: Scenario) -> str:
    """Give how the two sides meet: 电话, 在线文字, 当面; staff talks say so."""
    shown = CHANNELS[case.channel]
    return f"班组谈话 · {shown}" if case.kind == "staff" else shown


def other(case: Scenario) -> str:
    """Give what the other side is called: 客户 or 组员."""
    return "组员" if case.kind == "staff" else "客户"


def ending(case: Scenario, how: str | None) -> str:
    """Give how a talk ended, in one clause; unfinished talks say so."""
    if how is None:
        return "还没有结束"
    return (STAFF_ENDS if case.kind == "staff" else ENDS)[how]


def stars(difficulty: int) -> str:
    """Give the difficulty 1-5 as stars."""
    return "★" * difficulty + "☆" * (5 - difficulty)


def points(score: float | None) -> str:
    """Give a score without needless decimals; 不评 where there is none."""
    return "不评" if score is None else f"{score:.0f}"
