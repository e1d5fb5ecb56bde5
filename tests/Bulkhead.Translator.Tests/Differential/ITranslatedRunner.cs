namespace Bulkhead.Translator.Tests.Differential;

/// <summary>Runs a case on an engine under test: CPL 3, 64-bit, flat, IF set, the arena mapped as <see cref="Arena"/> says.</summary>
internal interface ITranslatedRunner
{
    /// <summary>Runs the instruction once.</summary>
    Result Run(Case value);
}
