from outwait.agent import Agent as Agent
from outwait.call.policy import Policy as Policy
from outwait.mcp import McpServer as McpServer
from outwait.toolbox import ToolContext as ToolContext
from outwait.toolbox import ToolError as ToolError
from outwait.webhook import BadSignature as BadSignature
from outwait.webhook import verify_webhook as verify_webhook

__version__: str

__all__ = ["Agent", "BadSignature", "McpServer", "Policy", "ToolContext", "ToolError", "__version__", "verify_webhook"]
